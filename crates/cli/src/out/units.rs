//! Bytes and times as people tell them. The exact numbers stand in `--json`.

use super::text::number;

const BYTE_UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 3_600;
const DAY_S: u64 = 86_400;

/// `712 B`, `5.9 KiB`, `64 MiB`, `112 GiB`.
pub(crate) fn bytes(count: u64) -> String {
    let (mut value, mut unit) = (count as f64, 0);
    // What would be shown as 1024 of one unit is 1 of the next.
    while value >= 1_023.5 && unit + 1 < BYTE_UNITS.len() {
        (value, unit) = (value / 1_024.0, unit + 1);
    }
    let is_short = unit > 0 && value < 99.95;
    let text = if is_short { format!("{value:.1}") } else { format!("{value:.0}") };
    format!("{} {}", text.strip_suffix(".0").unwrap_or(&text), BYTE_UNITS[unit])
}

/// How long ago, in one unit: `3 s`, `5 min`, `2 h`, `9 d`.
pub(crate) fn age(seconds: u64) -> String {
    match seconds {
        0..MINUTE_S => format!("{seconds} s"),
        MINUTE_S..HOUR_S => format!("{} min", seconds / MINUTE_S),
        HOUR_S..DAY_S => format!("{} h", seconds / HOUR_S),
        _ => format!("{} d", number(seconds / DAY_S)),
    }
}

/// How long it lasted, in two units: `230 ms`, `4.2 s`, `3 min 20 s`, `5 h 3 min`, `3 d 4 h`.
pub(crate) fn lasted(ms: f64) -> String {
    let seconds = (ms / 1_000.0) as u64;
    match seconds {
        0 => format!("{ms:.0} ms"),
        1..MINUTE_S => format!("{:.1} s", ms / 1_000.0),
        MINUTE_S..HOUR_S => format!("{} min {} s", seconds / MINUTE_S, seconds % MINUTE_S),
        HOUR_S..DAY_S => format!("{} h {} min", seconds / HOUR_S, seconds / MINUTE_S % 60),
        _ => format!("{} d {} h", number(seconds / DAY_S), seconds / HOUR_S % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_three_digits_and_a_unit() {
        let shown =
            [0, 712, 1_023, 1_024, 6_000, 5 << 20, 14_950, 102_400, 41 << 30, 12 << 40].map(bytes);
        let told = [
            "0 B", "712 B", "1023 B", "1 KiB", "5.9 KiB", "5 MiB", "14.6 KiB", "100 KiB", "41 GiB",
            "12 TiB",
        ];
        assert_eq!(shown, told);
    }

    #[test]
    fn no_number_of_bytes_is_1024_of_a_unit() {
        let just_below = [(1 << 20) - 1, (1 << 30) - 1, (1 << 40) - 1].map(bytes);
        assert_eq!(just_below, ["1 MiB", "1 GiB", "1 TiB"]);
        assert_eq!((bytes(102_399), bytes(u64::MAX)), ("100 KiB".into(), "16384 PiB".into()));
    }

    #[test]
    fn ages_have_one_unit() {
        let shown = [0, 59, 60, 3_599, 3_600, 86_399, 86_400, 86_400_000].map(age);
        assert_eq!(shown, ["0 s", "59 s", "1 min", "59 min", "1 h", "23 h", "1 d", "1,000 d"]);
    }

    #[test]
    fn times_are_told_as_people_tell_them() {
        let shown = [0.0, 999.4, 4_230.0, 200_000.0, 18_180_000.0, 273_600_000.0].map(lasted);
        let told = ["0 ms", "999 ms", "4.2 s", "3 min 20 s", "5 h 3 min", "3 d 4 h"];
        assert_eq!(shown, told);
    }
}
