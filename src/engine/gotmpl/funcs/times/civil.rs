/// Date and clock without a zone, in the Gregorian calendar without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    /// From 1.
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
}

const SECONDS_PER_DAY: i128 = 86_400;

/// Days in four centuries.
const DAYS_PER_ERA: i128 = 146_097;

/// From 1 March of year 0 to Unix' epoch.
const EPOCH_SHIFT: i128 = 719_468;

pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days before a month of a year that is no leap year.
pub fn days_before(month: i64) -> i64 {
    (1..month).map(|m| days_in(m, 1)).sum()
}

impl Civil {
    /// Of the seconds since Unix' epoch. Years are counted from March, so that
    /// the leap day is their last.
    pub fn of(seconds: i128) -> Civil {
        let days = seconds.div_euclid(SECONDS_PER_DAY) + EPOCH_SHIFT;
        let clock = seconds.rem_euclid(SECONDS_PER_DAY) as i64;
        let era = days.div_euclid(DAYS_PER_ERA);
        let day_of_era = days.rem_euclid(DAYS_PER_ERA);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        Civil {
            year: (year_of_era + era * 400 + i128::from(month <= 2)) as i64,
            month: month as i64,
            day: day as i64,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
        }
    }

    /// Seconds since Unix' epoch; parts out of range carry over.
    pub fn seconds(&self) -> i64 {
        let month = i128::from(self.month) - 1;
        let year = i128::from(self.year) + month.div_euclid(12);
        let month = month.rem_euclid(12) + 1;
        let year = year - i128::from(month <= 2);
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let shifted_month = if month > 2 { month - 3 } else { month + 9 };
        let day_of_year = (153 * shifted_month + 2) / 5 + i128::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * DAYS_PER_ERA + day_of_era - EPOCH_SHIFT;
        let clock = (i128::from(self.hour) * 60 + i128::from(self.minute)) * 60;
        (days * SECONDS_PER_DAY + clock + i128::from(self.second)) as i64
    }

    /// From 1.
    pub fn day_of_year(&self) -> i64 {
        let leap_day = i64::from(self.month > 2 && is_leap(self.year));
        days_before(self.month) + leap_day + self.day
    }

    /// From Sunday, 0.
    pub fn weekday(&self) -> i64 {
        let days = i128::from(self.seconds()).div_euclid(SECONDS_PER_DAY);
        // Unix' epoch was a Thursday.
        (days + 4).rem_euclid(7) as i64
    }
}
