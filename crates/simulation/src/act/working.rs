//! What workers do, and what is done to them.

use futures::FutureExt as _;
use gangway_jobs::id::LeaseToken;
use gangway_jobs::kind::Kind;
use gangway_jobs::outcome::{Settled, Settlement};

use crate::audit::named;
use crate::violation::{Held, answered, broken};
use crate::worker::Flight;
use crate::world::World;

impl World {
    /// A worker that can do something.
    pub(super) fn someone(&mut self) -> Option<usize> {
        let awake: Vec<usize> =
            (0..self.workers.len()).filter(|place| !self.workers[*place].frozen).collect();
        self.chance.pick(&awake).copied()
    }

    /// A worker asks for jobs of one kind; the reply may be lost.
    pub(crate) async fn lease(&mut self) -> Held {
        let Some(place) = self.someone() else { return Ok(()) };
        let kind = *self.chance.pick(&Kind::ALL).unwrap_or(&Kind::PollStatus);
        let lost = self.chance.happens(100);
        self.lease_kind(place, kind, lost).await.map(drop)
    }

    /// That worker asks for jobs of that kind. Answers when it is worth asking again.
    pub(crate) async fn lease_kind(
        &mut self,
        place: usize,
        kind: Kind,
        reply_is_lost: bool,
    ) -> Held<Option<std::time::Duration>> {
        let max = usize::try_from(self.chance.between(1, 4)).unwrap_or(1);
        let minted = LeaseToken::from_uuid(self.chance.uuid());
        let worker = &mut self.workers[place];
        let token = worker.unanswered[kind.index()].take().unwrap_or(minted);
        let grant = answered(self.store.lease(worker.request(kind, max, token)).await)?;
        for job in grant.jobs {
            let (number, id) = (self.workers[place].number, job.id);
            self.books.attempts.leased(&job, &self.people)?;
            let grant = self.books.leases.granted(token, &job, self.workers[place].id(), &self.people)?;
            self.touched.insert(id.onboarding);
            let name = named(id, &self.people);
            let end = if reply_is_lost { ", but never hears of it" } else { "" };
            self.note(format_args!("w{number} leases {name} as #{grant}, attempt {}{end}", job.attempt));
            if !reply_is_lost {
                self.workers[place].take(grant, job);
            }
        }
        if reply_is_lost {
            self.workers[place].unanswered[kind.index()] = Some(token);
        }
        Ok(grant.ask_again)
    }

    /// One flight of one worker that waits for nothing.
    pub(crate) fn go_on(&mut self) {
        let Some(place) = self.someone() else { return };
        let flights = &self.workers[place].flights;
        let ready: Vec<usize> = (0..flights.len()).filter(|flight| flights[*flight].can_go_on()).collect();
        if let Some(flight) = self.chance.pick(&ready).copied() {
            self.poll(place, flight);
        }
    }

    /// All workers that can begin what they have fetched.
    pub(crate) fn start_all(&mut self) {
        for place in 0..self.workers.len() {
            for flight in 0..self.workers[place].flights.len() {
                let worker = &self.workers[place];
                if !worker.frozen && !worker.flights[flight].has_started() {
                    self.poll(place, flight);
                }
            }
        }
    }

    /// Polls one handler, and notes what comes of it.
    pub(crate) fn poll(&mut self, place: usize, flight: usize) {
        let now = self.time.passed();
        let worker = &mut self.workers[place];
        worker.go_on(flight, now);
        let (number, Flight { grant, call, end, .. }) = (worker.number, &worker.flights[flight]);
        let what = match (call, end) {
            (Some((posted, _)), _) => format!("calls: {}", posted.call.word()),
            (None, Some(end)) => format!("ends: {}{}", end.outcome.as_str(), reason(end)),
            (None, None) => "waits for a permit".to_owned(),
        };
        let line = format!("w{number} #{grant} {what}");
        self.note(line);
    }

    /// The network decides on one call.
    pub(crate) fn answer(&mut self) {
        let calls: Vec<(usize, usize)> = self.places(|flight| flight.call.is_some());
        let Some((place, flight)) = self.chance.pick(&calls).copied() else { return };
        self.carry(place, flight);
        let worker = &self.workers[place];
        if !worker.frozen {
            self.poll(place, flight);
        }
    }

    /// The network decides on that call.
    pub(crate) fn carry(&mut self, place: usize, flight: usize) {
        let now = self.time.passed();
        let flight = &mut self.workers[place].flights[flight];
        let grant = flight.grant;
        if let Some((posted, _)) = flight.call.take() {
            let word = posted.call.word();
            let fate = self.network.carry(posted, now, &mut self.chance);
            self.note(format_args!("#{grant} {word}: {fate:?}"));
        }
    }

    fn places(&self, wanted: impl Fn(&Flight) -> bool) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        for (place, worker) in self.workers.iter().enumerate() {
            let flights = worker.flights.iter().enumerate();
            places.extend(flights.filter(|(_, flight)| wanted(flight)).map(|(flight, _)| (place, flight)));
        }
        places
    }

    /// A worker hands its ends in: the reply comes, or is lost, or the worker dies in the middle.
    pub(crate) async fn settle(&mut self) -> Held {
        let Some(place) = self.someone() else { return Ok(()) };
        let ends = self.workers[place].ends();
        if ends.is_empty() {
            return Ok(());
        }
        let crashes = 50 * self.profile.crashes;
        match self.chance.weighted(&[(700, 0_u8), (150, 1), (crashes, 2)]) {
            Some(2) => self.settle_and_die(place, &ends),
            Some(1) => self.hand_ends_in(place, ends, true).await,
            _ => self.hand_ends_in(place, ends, false).await,
        }
    }

    /// The store writes those ends.
    pub(crate) async fn hand_ends_in(
        &mut self,
        place: usize,
        ends: Vec<Settlement>,
        reply_is_lost: bool,
    ) -> Held {
        let answers = answered(self.store.settle(ends.clone()).await)?;
        self.settled(place, &ends, &answers)?;
        if !reply_is_lost {
            let written: Vec<LeaseToken> = ends.iter().map(|end| end.token).collect();
            let is_written = |flight: &Flight| flight.end.is_some() && written.contains(&flight.token);
            self.workers[place].flights.retain(|flight| !is_written(flight));
        }
        Ok(())
    }

    /// The worker dies while its settle is under way: wherever the store waits for something, or just before the reply.
    fn settle_and_die(&mut self, place: usize, ends: &[Settlement]) -> Held {
        let number = self.workers[place].number;
        let store = std::sync::Arc::clone(&self.store);
        let under_way = store.settle(ends.to_vec());
        match under_way.now_or_never() {
            Some(answer) => self.settled(place, ends, &answered(answer)?)?,
            // Nobody has heard what the store answered: what is stored says it.
            None => self.touched.extend(ends.iter().map(|end| end.job.onboarding)),
        }
        self.note(format_args!("w{number} dies in the middle of it"));
        self.end_worker(place);
        Ok(())
    }

    fn settled(&mut self, place: usize, ends: &[Settlement], answers: &[Settled]) -> Held {
        if answers.len() != ends.len() {
            return broken("each settle is answered", format!("{} of {}", answers.len(), ends.len()));
        }
        for (end, answer) in ends.iter().zip(answers) {
            let flights = &self.workers[place].flights;
            let flight =
                flights.iter().find(|flight| flight.job == end.job && flight.end.as_ref() == Some(end));
            let Some(grant) = flight.map(|flight| flight.grant) else { continue };
            let name = named(end.job, &self.people);
            self.note(format_args!("#{grant} {name} settles {}: {answer:?}", end.outcome.as_str()));
            self.books.leases.settled(grant, end.job, *answer, &self.people)?;
            if *answer == Settled::Done {
                self.books.attempts.settled(end, ends.len() == 1);
            }
            self.touched.insert(end.job.onboarding);
        }
        Ok(())
    }
}

fn reason(end: &Settlement) -> String {
    use gangway_jobs::outcome::Outcome;
    match &end.outcome {
        Outcome::Bury { failure, .. } | Outcome::Retry { failure, .. } => format!(" ({})", failure.code),
        Outcome::Complete(_) | Outcome::Snooze { .. } | Outcome::GiveBack { .. } => String::new(),
    }
}
