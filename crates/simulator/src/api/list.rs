//! `GET /v1/customers`, with either of its two paginations.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};

use crate::ledger::{ListRequest, Listed};
use crate::refusal::Refusal;
use crate::sim::Sim;
use crate::status::Status;

/// Customers on a page unless the request says otherwise.
const SIZE: usize = 10;

type Asked = HashMap<String, String>;

pub(super) async fn list(
    State(sim): State<Arc<Sim>>,
    Query(query): Query<Asked>,
) -> Result<Json<Listed>, Refusal> {
    let request = parse(&query)?;
    Ok(Json(sim.with_ledger(|ledger, now| ledger.list(request, now))))
}

/// `page` counts from 1, `page_num` from 0; `page` and `size` win where both are sent.
fn parse(query: &Asked) -> Result<ListRequest, Refusal> {
    let number = |name: &str, least: usize, most: usize| {
        let Some(text) = query.get(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| Refusal::bad_request(format!("{name} is out of range.")))
    };
    let most = usize::MAX >> 8;
    let (page, size) = (number("page", 1, most)?, number("size", 1, 100)?);
    let (page_num, page_size) = (number("page_num", 0, most)?, number("page_size", 1, 100)?);
    let (pages, size) = if page.is_some() || size.is_some() {
        (page.unwrap_or(1) - 1, size.unwrap_or(SIZE))
    } else {
        (page_num.unwrap_or(0), page_size.unwrap_or(SIZE))
    };
    let status = match query.get("kyb_status") {
        None => None,
        Some(word) => Some(
            Status::parse(word).ok_or_else(|| Refusal::bad_request("kyb_status is not a known status."))?,
        ),
    };
    Ok(ListRequest { skip: pages * size, size, status })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_paginations_are_read_and_the_flat_one_wins() {
        for (query, skip, size) in [
            (&[][..], 0, 10),
            (&[("page", "2")], 10, 10),
            (&[("page", "3"), ("size", "20")], 40, 20),
            (&[("page_num", "0"), ("page_size", "5")], 0, 5),
            (&[("page_num", "2"), ("page_size", "5")], 10, 5),
            (&[("page", "1"), ("size", "7"), ("page_num", "4"), ("page_size", "5")], 0, 7),
        ] {
            let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(parse(&query), Ok(ListRequest { skip, size, status: None }), "{query:?}");
        }
    }

    #[test]
    fn a_page_that_cannot_be_is_refused() {
        for (name, value) in
            [("page", "0"), ("size", "101"), ("size", "x"), ("page_size", "0"), ("kyb_status", "DRAFT")]
        {
            let query = HashMap::from([(name.to_owned(), value.to_owned())]);
            assert_eq!(parse(&query).unwrap_err().status, 400, "{name}={value}");
        }
    }
}
