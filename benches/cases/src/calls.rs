//! The calls of whole onboardings and nothing else: no store, no record, no event. What dies on the way is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use gangway_simulator::Config;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Result;
use crate::numbers::per_second;
use crate::simulator::{POLLS, Remote};

/// The calls of whole onboardings without any store.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many
    #[arg(long, default_value_t = 10_000)]
    customers: u32,
    /// Onboardings at once
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
}

pub(crate) async fn run(args: &Args) -> Result<Value> {
    let remote = Remote::start().await?;
    let (next, begun) = (Arc::new(AtomicU32::new(0)), Instant::now());
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..args.concurrency {
        let caller = Caller { http: remote.http().clone(), url: remote.url().to_owned() };
        let (next, all) = (Arc::clone(&next), args.customers);
        running.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= all {
                    return Ok::<(), Box<dyn std::error::Error + Send + Sync>>(());
                }
                caller.bring_aboard(n).await?;
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    let took = begun.elapsed();
    remote.end(args.customers.into()).await?;
    Ok(json!({
        "case": "calls",
        "customers": args.customers,
        "concurrency": args.concurrency,
        "seconds": took.as_secs_f64(),
        "per_s": per_second(args.customers.into(), took),
    }))
}

struct Caller {
    http: reqwest::Client,
    url: String,
}

impl Caller {
    async fn bring_aboard(&self, n: u32) -> Result<()> {
        let body = json!({
            "email": format!("person{n}@company.example"),
            "first_name": "Ada",
            "last_name": "Byron",
            "company_name": "Company",
            "customer_type": "BUSINESS",
        });
        let created = self.post("/v1/customers/lightweight", &body).await?;
        let path = format!("/v1/customers/{}", created["customer_id"].as_str().ok_or("no id")?);
        self.post(&format!("{path}/onboarding_links"), &json!({})).await?;
        let mut seen = created;
        for _ in 0..POLLS {
            let request = self.http.get(format!("{}{path}", self.url));
            seen = Self::send(request).await?;
        }
        if seen["status"] == "APPROVED" { Ok(()) } else { Err(format!("ended as {}", seen["status"]).into()) }
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.http.post(format!("{}{path}", self.url)).body(body.to_string());
        Self::send(request.header(CONTENT_TYPE, "application/json")).await
    }

    async fn send(request: reqwest::RequestBuilder) -> Result<Value> {
        let request = request
            .header(AUTHORIZATION, format!("Bearer {}", Config::ACCESS_KEY))
            .header("idempotency-key", Uuid::new_v4().to_string());
        let answer = request.send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&answer.bytes().await?)?)
    }
}
