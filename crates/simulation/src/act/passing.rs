//! Time, and what changes with it by itself.

use std::time::Duration;

use crate::network::Mood;
use crate::violation::Held;
use crate::world::World;

impl World {
    /// From milliseconds to days. Workers that live keep their leases up, as a rule.
    pub(crate) async fn let_time_pass(&mut self) -> Held {
        let by = match self.chance.below(20) {
            0..6 => self.chance.millis(1, 900),
            6..11 => self.chance.millis(1_000, 5_000),
            11..15 => self.chance.millis(6_000, 20_000),
            15..18 => self.chance.millis(60_000, 20 * 60_000),
            18 => self.chance.millis(3_600_000, 10 * 3_600_000),
            _ => self.chance.millis(86_400_000, 3 * 86_400_000),
        };
        self.start_all();
        self.note(format_args!("{:.3} s pass", by.as_secs_f64()));
        self.pass(by).await;
        if by < Duration::from_secs(3) {
            return Ok(());
        }
        for place in 0..self.workers.len() {
            if self.chance.happens(850) {
                self.beat(place).await?;
            }
        }
        Ok(())
    }

    /// Somebody sets the clock of the store's machine.
    pub(crate) fn jump(&mut self) {
        self.jumps -= 1;
        let seconds = i64::try_from(self.chance.between(8, 100)).unwrap_or(8);
        let seconds = if self.chance.happens(300) { -seconds } else { seconds };
        self.note(format_args!("the store's clock is set by {seconds} s"));
        self.store_clock.jump(seconds * 1_000);
    }

    /// The API falls ill, or is well again.
    pub(crate) fn change_mood(&mut self) {
        let bad = *self.chance.pick(&Mood::BAD).unwrap_or(&Mood::Down);
        let refuses = matches!(bad, Mood::Refusing | Mood::Forbidden);
        let bad = if refuses && !self.profile.may_refuse() { Mood::Down } else { bad };
        let mood = if self.network.mood == Mood::Up { bad } else { Mood::Up };
        self.note(format_args!("the API is {mood:?}"));
        self.network.mood = mood;
    }
}
