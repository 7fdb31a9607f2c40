//! The credential, and the API with it: three calls that read one customer at most.
//!
//! The clock is not compared with the API's: the client does not tell the `Date` of an answer.

use std::time::{Duration, Instant};

use gangway_onemoney::{CallError, Class, Client, ConfigError};

use super::finding::{Finding, told};
use crate::error::Error;
use crate::settings::credentials::Source;
use crate::settings::duration::show;
use crate::settings::sections::Auth;
use crate::settings::{Problem, Settings};
use crate::wiring::api;

const CREDENTIAL: &str = "credential";
const API: &str = "api";

/// Odd, so that one slow call, such as the first, which connects, is not the median.
const CALLS: usize = 3;

const WHY_CREDENTIAL: &str = "without it no call can be made; the API was not tried";
const WHY_API: &str = "customers are created and followed there";

/// Looks at the credential, and calls the API if there is one.
pub(super) async fn check(settings: &Settings) -> Vec<Finding> {
    let source = Source::new(settings);
    let credentials = match source.read() {
        Ok(credentials) => credentials,
        Err(problem) => return vec![no_credential(&problem)],
    };
    let client = match api::with_credentials(settings, credentials) {
        Ok(client) => client,
        Err(error) => return vec![unusable(&error)],
    };
    let held = format!("the access key is in {}", source.place());
    let called = match latencies(&client).await {
        Ok(latencies) => fast_enough(median(latencies), settings),
        Err(error) => failed(&error, settings),
    };
    vec![Finding::ok(CREDENTIAL, held, "every call is made with it"), called]
}

fn no_credential(problem: &Problem) -> Finding {
    Finding::problem(CREDENTIAL, told(problem), WHY_CREDENTIAL, problem.help())
}

fn unusable(error: &Error) -> Finding {
    if let Error::Client(ConfigError::HttpClient(_)) = error {
        let remedy = "install the system's root certificates, e.g. `apt-get install ca-certificates`";
        return Finding::problem(API, told(error), WHY_API, remedy);
    }
    let remedy = "copy both parts again from the dashboard to where ONEMONEY_ACCESS_KEY and ONEMONEY_SECRET_KEY are kept";
    Finding::problem(CREDENTIAL, told(error), WHY_CREDENTIAL, remedy)
}

async fn latencies(client: &Client) -> Result<[Duration; CALLS], CallError> {
    let mut latencies = [Duration::ZERO; CALLS];
    for latency in &mut latencies {
        let begun = Instant::now();
        client.list(1, 1, None).await?;
        *latency = begun.elapsed();
    }
    Ok(latencies)
}

fn median(mut latencies: [Duration; CALLS]) -> Duration {
    latencies.sort_unstable();
    latencies[CALLS / 2]
}

fn fast_enough(median: Duration, settings: &Settings) -> Finding {
    let (base_url, timeout) = (settings.sections.api().base_url, settings.sections.api.timeout);
    let found = format!("{base_url} answered {CALLS} calls, median {} ms", median.as_millis().max(1));
    if median * 4 > timeout {
        let why = "calls that take a little longer than usual end at api.timeout and are made again";
        let remedy = format!(
            "raise api.timeout ({}), and worker.grace with it, or look at the network",
            show(timeout)
        );
        return Finding::warning(API, found, why, remedy);
    }
    Finding::ok(API, found, WHY_API)
}

/// What a call that failed means for a worker.
fn failed(error: &CallError, settings: &Settings) -> Finding {
    let base_url = settings.sections.api().base_url;
    let request = error.request_id.as_ref().map_or(String::new(), |id| format!(" (request {id})"));
    let said = error.to_string();
    let found = format!("{base_url} refused: {}{request}", said.trim_end_matches('.'));
    let problem = |why, remedy: String| Finding::problem(API, found.clone(), why, remedy);
    match error.class {
        Class::Unreachable { .. } => Finding::problem(
            API,
            format!("{base_url} was not reached: {error}"),
            "workers wait until it is: nobody comes aboard meanwhile",
            "check api.base_url and this machine's network; for a simulator, start `gangway simulate` and set \
             GANGWAY__API__BASE_URL to what it prints",
        ),
        Class::Unauthorized => problem(
            "every call would be refused, and workers stop calling until the credential is replaced",
            unauthorized(settings),
        ),
        Class::Forbidden => problem(
            "the credential is good but may not use hosted onboarding, so every call would be refused",
            "ask the API's support to switch hosted onboarding on for this account, and quote the request"
                .to_owned(),
        ),
        Class::RateLimited { wait } => Finding::warning(
            API,
            found,
            "somebody uses the account's calls up: workers slow down and go on by themselves",
            format!(
                "wait {}, and set api.rate_per_second below the account's limit",
                wait.map_or_else(|| "a minute".to_owned(), show)
            ),
        ),
        Class::ServerError => problem(
            "workers wait until it answers again: nobody comes aboard meanwhile",
            "run `gangway doctor` again in some minutes; if it stays, quote the request to the API's support"
                .to_owned(),
        ),
        Class::NotFound | Class::Conflict | Class::NotEditable | Class::Refused | Class::Contract => problem(
            "this is no answer of the 1Money API to a list of customers, so something else may live at that address",
            "check api.base_url (`gangway config` tells where it is set)".to_owned(),
        ),
    }
}

fn unauthorized(settings: &Settings) -> String {
    let place = Source::new(settings).place();
    match settings.sections.api.auth {
        Auth::Hmac => format!(
            "set ONEMONEY_ACCESS_KEY and ONEMONEY_SECRET_KEY to one key of this very API (sandbox and production have \
             their own; the access key is read from {place}); also check this machine's clock, because its time is signed"
        ),
        Auth::Bearer => format!(
            "set ONEMONEY_ACCESS_KEY (now read from {place}) to a key of this very API, or api.auth to \"hmac\""
        ),
    }
}

#[cfg(test)]
mod tests {
    use gangway_onemoney::Operation;

    use super::super::finding::Level;
    use super::*;

    #[test]
    fn each_refusal_has_its_level_and_its_remedy() {
        let settings = Settings::load(None, crate::settings::Environ::default()).unwrap();
        for (class, level, remedy) in [
            (Class::Unreachable { uncertain: false }, Level::Problem, "api.base_url"),
            (Class::Unauthorized, Level::Problem, "ONEMONEY_SECRET_KEY"),
            (Class::Forbidden, Level::Problem, "support"),
            (Class::RateLimited { wait: Some(Duration::from_secs(5)) }, Level::Warning, "wait 5s"),
            (Class::ServerError, Level::Problem, "support"),
            (Class::Contract, Level::Problem, "api.base_url"),
        ] {
            let finding = failed(&CallError::new(Operation::ListCustomers, class), &settings);
            assert_eq!(finding.level, level, "{class:?}");
            assert!(finding.remedy.unwrap().contains(remedy), "{class:?}");
        }
    }

    #[test]
    fn one_slow_call_is_not_the_median() {
        let [first, second, third] = [900, 20, 30].map(Duration::from_millis);
        assert_eq!(median([first, second, third]), third);
        let settings = Settings::load(None, crate::settings::Environ::default()).unwrap();
        assert_eq!(fast_enough(third, &settings).level, Level::Ok);
        assert_eq!(fast_enough(Duration::from_secs(8), &settings).level, Level::Warning);
    }
}
