//! Unix times as people read them. Knows no clock.

const DAY: i64 = 86_400;

/// Nanoseconds since 1970 as `YYYY-MM-DD HH:MM:SS.mmm UTC`.
pub fn nanos(nanos: i64) -> String {
    let millis = nanos.rem_euclid(1_000_000_000) / 1_000_000;
    format!("{}.{millis:03} UTC", date_time(nanos.div_euclid(1_000_000_000)))
}

/// Nanoseconds since 1970 as `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ`, the one form of times in events.
pub(crate) fn full(nanos: i64) -> String {
    let date_time = date_time(nanos.div_euclid(1_000_000_000)).replace(' ', "T");
    format!("{date_time}.{:09}Z", nanos.rem_euclid(1_000_000_000))
}

/// Seconds since 1970 as `YYYY-MM-DD HH:MM:SS UTC`.
pub fn seconds(seconds: u64) -> String {
    // Past the year 9999 a date says nothing; the number does.
    match i64::try_from(seconds) {
        Ok(known) if known < 253_402_300_800 => format!("{} UTC", date_time(known)),
        _ => format!("second {seconds}"),
    }
}

fn date_time(seconds: i64) -> String {
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Year, month and day of a day counted from 1970-01-01 (Gregorian, eras of 400 years that begin
/// on 1 March).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) =
        (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        assert_eq!(nanos(1_767_323_045_000_000_007), "2026-01-02 03:04:05.000 UTC");
        assert_eq!(full(1_767_323_045_000_000_007), "2026-01-02T03:04:05.000000007Z");
        assert_eq!(nanos(-1), "1969-12-31 23:59:59.999 UTC");
        assert_eq!(seconds(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(seconds(4_107_542_400), "2100-03-01 00:00:00 UTC");
        assert_eq!(seconds(u64::MAX), format!("second {}", u64::MAX));
        assert!(!nanos(i64::MIN).is_empty());
    }
}
