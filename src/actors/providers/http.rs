//! A payment backend of the platform's own, spoken to by signed JSON:
//!
//! * `POST URL/topups` with a [`TopUpIntent`] answers 2xx with `{"url": …}`, the page on which it is paid;
//! * `POST URL/payouts` with a [`PayoutIntent`] answers 2xx once the backend has it, for ever;
//! * `GET URL/payouts/ID` answers 200 when it has that payout, 404 when it has not.
//!
//! Each carries `weir-signature`, over the body, or over `GET /payouts/ID` where there is none, and intents an
//! `idempotency-key`: the same key is the same intent.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use weir_model::charge::LedgerId;
use weir_provider::intent::{
    Answer, Checkout, Failure, PaymentProvider, PayoutIntent, TopUpIntent,
};
use weir_provider::signature::{HEADER, Secrets};

use crate::actors::clock;

/// Shorter than an attempt may take ([`weir_provider::telling::ATTEMPT_MS_MAX`]).
const PATIENCE: Duration = Duration::from_secs(10);
/// An answer is an address.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// See the module.
pub(super) struct SignedHttp {
    client: Client,
    url: String,
    secrets: Secrets,
}

impl SignedHttp {
    pub(super) fn new(url: &str, secrets: Secrets) -> Result<Self, reqwest::Error> {
        let no_redirects = reqwest::redirect::Policy::none();
        let client = Client::builder().timeout(PATIENCE).redirect(no_redirects).build()?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), secrets })
    }

    async fn post<T: serde::Serialize>(
        &self,
        path: &str,
        key: LedgerId,
        intent: &T,
    ) -> Result<Response, Failure> {
        let body = serde_json::to_vec(intent).map_err(|error| Failure(error.to_string()))?;
        let signature = self.secrets.sign(seconds(), &body);
        let asked = self
            .client
            .post(format!("{}/{path}", self.url))
            .header("content-type", "application/json")
            .header("idempotency-key", key.to_string())
            .header(HEADER, signature)
            .body(body);
        let response = asked.send().await.map_err(|error| on_the_way(&error))?;
        match response.status().is_success() {
            true => Ok(response),
            false => Err(answered(response.status())),
        }
    }

    async fn look_up(&self, payout: LedgerId) -> Result<bool, Failure> {
        let path = format!("/payouts/{payout}");
        let signature = self.secrets.sign(seconds(), format!("GET {path}").as_bytes());
        let asked = self.client.get(format!("{}{path}", self.url)).header(HEADER, signature);
        match asked.send().await.map_err(|error| on_the_way(&error))?.status() {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            other => Err(answered(other)),
        }
    }
}

impl PaymentProvider for SignedHttp {
    fn top_up<'a>(&'a self, intent: &'a TopUpIntent) -> Answer<'a, Checkout> {
        Box::pin(async move {
            let response = self.post("topups", intent.reference, intent).await?;
            let body = read(response).await?;
            serde_json::from_slice(&body)
                .map_err(|_| Failure("the provider's answer names no `url`".into()))
        })
    }

    fn pay_out<'a>(&'a self, intent: &'a PayoutIntent) -> Answer<'a, ()> {
        Box::pin(async move { self.post("payouts", intent.payout, intent).await.map(drop) })
    }

    fn knows(&self, payout: LedgerId) -> Answer<'_, bool> {
        Box::pin(self.look_up(payout))
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| on_the_way(&error))? {
        body.extend_from_slice(&piece);
        if body.len() > ANSWER_BYTES_MAX {
            return Err(Failure("the provider's answer is too long".into()));
        }
    }
    Ok(body)
}

fn answered(status: StatusCode) -> Failure {
    Failure(format!("the provider answered {status}"))
}

/// Without the address, which may hold what is nobody's business.
fn on_the_way(error: &reqwest::Error) -> Failure {
    let what = if error.is_timeout() {
        "the provider did not answer in time"
    } else if error.is_connect() {
        "the provider cannot be reached"
    } else {
        "the connection to the provider broke"
    };
    Failure(what.into())
}

fn seconds() -> u64 {
    u64::try_from(clock::now().0 / 1_000).unwrap_or_default()
}
