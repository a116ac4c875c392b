//! Times: RFC 3339 in, `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ` out.
//!
//! Accepted: `T`, `Z` or an offset `±hh:mm`, 0 to 9 fraction digits, 1970 to 2261 in UTC, no
//! second 60. What does not fit is refused, never rounded.

use std::fmt;

/// Why a text is not a time as events carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeError(&'static str);

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for TimeError {}

const SHAPE: TimeError =
    TimeError("not an RFC 3339 time such as 2026-01-02T03:04:05.678Z or 2026-01-02T03:04:05+01:00");
const NO_SUCH_TIME: TimeError =
    TimeError("no such time: months 01-12, days as the month has, 00:00:00 to 23:59:59");
const RANGE: TimeError = TimeError("outside 1970 to 2261 in UTC");

const NANOS: i128 = 1_000_000_000;

/// Nanoseconds since 1970-01-01T00:00:00Z of an RFC 3339 text.
pub fn parse_time(text: &str) -> Result<i64, TimeError> {
    let b = text.as_bytes();
    if b.len() < 20
        || b[4] != b'-'
        || b[7] != b'-'
        || b[10] != b'T'
        || b[13] != b':'
        || b[16] != b':'
    {
        return Err(SHAPE);
    }
    let (year, month, day) = (digits(&b[0..4])?, digits(&b[5..7])?, digits(&b[8..10])?);
    let (hour, minute, second) = (digits(&b[11..13])?, digits(&b[14..16])?, digits(&b[17..19])?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return Err(NO_SUCH_TIME);
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err(NO_SUCH_TIME);
    }
    let (fraction, rest) = fraction(&b[19..])?;
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
        - offset_seconds(rest)?;
    let nanos = i128::from(seconds) * NANOS + i128::from(fraction);
    let limit = i128::from(days_from_civil(2262, 1, 1)) * 86_400 * NANOS;
    if nanos < 0 || nanos >= limit {
        return Err(RANGE);
    }
    i64::try_from(nanos).map_err(|_| RANGE)
}

/// The one text of a time: UTC, nine fraction digits.
pub fn format_time(nanos: i64) -> String {
    let seconds = nanos.div_euclid(1_000_000_000);
    let fraction = nanos.rem_euclid(1_000_000_000);
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    let mut out = *b"0000-00-00T00:00:00.000000000Z";
    put(&mut out[0..4], year);
    put(&mut out[5..7], month);
    put(&mut out[8..10], day);
    put(&mut out[11..13], of_day / 3_600);
    put(&mut out[14..16], of_day / 60 % 60);
    put(&mut out[17..19], of_day % 60);
    put(&mut out[20..29], fraction);
    String::from_utf8_lossy(&out).into_owned()
}

/// Brings a time to its one text.
pub fn normalise_time(text: &str) -> Result<String, TimeError> {
    Ok(format_time(parse_time(text)?))
}

/// The one text of a time that is not written so.
pub(crate) fn one_text(text: &str) -> Result<Option<String>, TimeError> {
    let nanos = parse_time(text)?;
    // Whatever ends with Z and has this length has nine fraction digits.
    let is_one = text.len() == 30 && text.ends_with('Z');
    Ok((!is_one).then(|| format_time(nanos)))
}

fn digits(bytes: &[u8]) -> Result<i64, TimeError> {
    bytes.iter().try_fold(0, |n, b| match b {
        b'0'..=b'9' => Ok(n * 10 + i64::from(b - b'0')),
        _ => Err(SHAPE),
    })
}

/// Nanoseconds of an optional fraction, and what stands behind it.
fn fraction(bytes: &[u8]) -> Result<(i64, &[u8]), TimeError> {
    let Some((b'.', rest)) = bytes.split_first() else { return Ok((0, bytes)) };
    let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if !(1..=9).contains(&count) {
        return Err(TimeError("a fraction of a second has 1 to 9 digits"));
    }
    let value = digits(&rest[..count])? * 10_i64.pow(9 - count as u32);
    Ok((value, &rest[count..]))
}

fn offset_seconds(bytes: &[u8]) -> Result<i64, TimeError> {
    match bytes {
        b"Z" => Ok(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return Err(NO_SUCH_TIME);
            }
            let seconds = hours * 3_600 + minutes * 60;
            Ok(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => Err(SHAPE),
    }
}

fn put(out: &mut [u8], mut value: i64) {
    for slot in out.iter_mut().rev() {
        *slot = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar: years are counted from March, so
/// that the leap day is a year's last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_text() {
        for (sent, kept) in [
            ("2026-01-02T03:04:05.000000006Z", "2026-01-02T03:04:05.000000006Z"),
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000000Z"),
            ("2026-01-01T00:30:00.5+01:00", "2025-12-31T23:30:00.500000000Z"),
            ("2024-02-29T23:59:59-00:01", "2024-03-01T00:00:59.000000000Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000000Z"),
            ("2261-12-31T23:59:59.999999999Z", "2261-12-31T23:59:59.999999999Z"),
        ] {
            assert_eq!(normalise_time(sent).as_deref(), Ok(kept), "{sent}");
            let changed = (sent != kept).then(|| kept.to_owned());
            assert_eq!(one_text(sent), Ok(changed), "{sent}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for text in [
            "2026-01-02 03:04:05Z",
            "2026-01-02t03:04:05Z",
            "2026-01-02T03:04:05z",
            "2026-01-02T03:04:05",
            "2026-01-02T03:04:60Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-02T24:00:00Z",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05.0000000001Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "2262-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "2026-01-02T03:04:05+0100",
        ] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_day_comes_back() {
        for day in 0..106_000 {
            let text = format_time(day * 86_400 * 1_000_000_000 + 7);
            assert_eq!(parse_time(&text), Ok(day * 86_400 * 1_000_000_000 + 7), "{text}");
        }
    }
}
