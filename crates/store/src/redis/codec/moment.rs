//! Times in the API's spelling, such as `2026-11-22T10:00:00.000Z`: compared and never computed with, so they must come
//! back to the letter.

const SECONDS_A_DAY: i64 = 86_400;

/// The longest part of a second.
const MOST_DIGITS: usize = 9;

/// Up to the seconds: `2026-11-22T10:00:00`.
const WHOLE: usize = 19;

/// A time as it is spelt: UTC, up to nine digits of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// Whole seconds since 1970.
    pub(super) seconds: i64,
    /// How many digits of the second are spelt out.
    pub(super) digits: u8,
    /// Those digits as a number.
    pub(super) part: u32,
}

/// The letters of a moment.
#[derive(Debug)]
pub(super) struct Spelling {
    letters: [u8; WHOLE + 1 + MOST_DIGITS + 1],
    length: usize,
}

impl Spelling {
    pub(super) fn as_str(&self) -> &str {
        // All of them are ASCII.
        std::str::from_utf8(&self.letters[..self.length]).unwrap_or_default()
    }
}

impl Moment {
    /// The moment that is spelt exactly so.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let moment = Self::read(text.as_bytes())?;
        // Spelt again, every wrong sign, and every day that is in no calendar, shows.
        (moment.spell()?.as_str() == text).then_some(moment)
    }

    fn read(letters: &[u8]) -> Option<Self> {
        let (whole, rest) = letters.split_at_checked(WHOLE)?;
        let part = match rest.len() {
            1 => &[],
            length => rest.get(1..length.checked_sub(1)?)?,
        };
        if part.len() > MOST_DIGITS {
            return None;
        }
        let number = |from: usize, to: usize| read_number(&whole[from..to]).map(i64::from);
        let days = days_of(number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let seconds = number(11, 13)? * 3_600 + number(14, 16)? * 60 + number(17, 19)?;
        Some(Self {
            seconds: days * SECONDS_A_DAY + seconds,
            digits: u8::try_from(part.len()).ok()?,
            part: read_number(part)?,
        })
    }

    /// The letters; `None` for a moment that nothing was read as.
    pub(super) fn spell(&self) -> Option<Spelling> {
        let digits = usize::from(self.digits);
        if digits > MOST_DIGITS || self.part >= 10_u32.pow(u32::from(self.digits)) {
            return None;
        }
        let (year, month, day) = calendar_of(self.seconds.div_euclid(SECONDS_A_DAY));
        let second = self.seconds.rem_euclid(SECONDS_A_DAY);
        let mut letters = *b"0000-00-00T00:00:00.000000000Z";
        write_number(&mut letters[0..4], u32::try_from(year).ok().filter(|year| *year <= 9_999)?);
        let fields = [month, day, second / 3_600, second / 60 % 60, second % 60];
        for (at, field) in [5, 8, 11, 14, 17].into_iter().zip(fields) {
            write_number(&mut letters[at..at + 2], u32::try_from(field).ok()?);
        }
        let end = if digits == 0 { WHOLE } else { WHOLE + 1 + digits };
        write_number(&mut letters[end - digits..end], self.part);
        letters[end] = b'Z';
        Some(Spelling { letters, length: end + 1 })
    }
}

/// At most nine digits, or four of a year.
fn read_number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
}

/// With leading zeros.
fn write_number(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10).to_le_bytes()[0];
        number /= 10;
    }
}

/// Days since 1970 of a date, counted from a first of March, so that a leap day is the last of its year
/// ([Hinnant](https://howardhinnant.github.io/date_algorithms.html)).
const fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day, the other way round.
const fn calendar_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = days.div_euclid(146_097) * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use gangway_jobs::clock::Timestamp;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_moment_is_the_one_that_the_calendar_says() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2026-11-22T10:00:00.000Z",
            "2024-02-29T23:59:59.9Z",
            "2000-02-29T12:00:00.123456Z",
            "1900-02-28T00:00:01.123456789Z",
            "0000-01-01T00:00:00Z",
            "9999-12-30T12:59:59.999999999Z",
        ] {
            let moment = Moment::parse(text).unwrap();
            assert_eq!(moment.spell().unwrap().as_str(), text);
            let millis = Timestamp::parse(text).unwrap().as_millis();
            let nine = moment.part * 10_u32.pow(9 - u32::from(moment.digits));
            // Before 1970 the calendar's own milliseconds are cut towards 1970.
            let near = moment.seconds * 1_000 + i64::from(nine / 1_000_000);
            assert!((near - millis).abs() <= 1, "{text}: {near} {millis}");
        }
    }

    #[test]
    fn any_other_spelling_is_none() {
        for text in [
            "",
            "U",
            "2026-11-22",
            "2026-11-22T10:00:00",
            "2026-11-22T10:00:00.Z",
            "2026-11-22T10:00:00z",
            "2026-11-22 10:00:00Z",
            "2026-11-22t10:00:00Z",
            "2026-11-22T10:00:00,000Z",
            "2026-11-22T10:00:00+00:00",
            "2026-11-22T10:00:00.0000000000Z",
            "2023-02-29T10:00:00Z",
            "2026-13-01T10:00:00Z",
            "2026-00-01T10:00:00Z",
            "2026-11-00T10:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T10:60:00Z",
            "2016-12-31T23:59:60Z",
            "+026-11-22T10:00:00Z",
            "2026-11-22T10:00:00.00äZ",
            "２026-11-22T10:00:00Z",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_is_read_as_it_was_spelt(
            seconds in -62_167_219_200_i64..253_402_300_800,
            digits in 0_u8..=9,
            part in any::<u32>(),
        ) {
            let moment = Moment { seconds, digits, part: part % 10_u32.pow(u32::from(digits)) };
            let spelling = moment.spell().unwrap();
            prop_assert_eq!(Moment::parse(spelling.as_str()), Some(moment));
        }

        #[test]
        fn no_number_is_too_large_to_be_refused(seconds: i64, digits: u8, part: u32) {
            let moment = Moment { seconds, digits, part };
            if let Some(spelling) = moment.spell() {
                prop_assert_eq!(Moment::parse(spelling.as_str()), Some(moment));
            }
        }
    }
}
