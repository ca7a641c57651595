//! Tokens for players of other pages: a platform's server asks for one in the name of its viewer and puts it behind the
//! playlist's address.

use std::sync::Arc;

use axum::extract::State;
use weir_model::api::sale::{CreatePlaybackToken, PlaybackToken};
use weir_model::{ApiError, ChannelName, ErrorCode, Timestamp};

use super::Context;
use super::auth::Asker;
use super::error::Refusal;
use super::extract::Json;
use crate::actors::clock;
use crate::store::Standing;

/// How long a token can be used to begin unless another time is asked for, milliseconds.
const LIFE_MS: i64 = 600_000;

/// The longest such time, a day: a player that plays goes on with tokens of its own.
const LIFE_MS_MAX: i64 = 86_400_000;

/// Makes the token by which the edges know an account on a channel until then.
pub type PlaybackFn =
    Arc<dyn Fn(&ChannelName, Standing, Timestamp) -> Result<String, String> + Send + Sync>;

/// A token by which a player is known as whoever asks: it may watch what that account may, and counts as its player.
/// It opens nothing by itself: who may watch is decided with every request. It ends with the token that asked for it,
/// and when the account is logged out or disabled. While it is used it is renewed by the playlists.
#[utoipa::path(
    post, path = "/v1/playback-tokens", tag = "token",
    request_body = CreatePlaybackToken,
    responses((status = 200, body = PlaybackToken), (status = "default", body = ApiError)),
)]
pub(super) async fn create(
    State(ctx): State<Context>,
    asker: Asker,
    Json(body): Json<CreatePlaybackToken>,
) -> Result<axum::Json<PlaybackToken>, Refusal> {
    let CreatePlaybackToken { channel, expires_at } = body;
    ctx.store.channel(&channel)?;
    if let Some(only) = asker.principal.channel.as_ref().filter(|only| **only != channel) {
        let text = format!("the token that asks is good for channel {only} only");
        return Err(Refusal::new(ErrorCode::Forbidden, text));
    }
    let now = clock::now();
    let expires_at = expires_at.unwrap_or_else(|| now.plus_ms(LIFE_MS));
    if !(1..=LIFE_MS_MAX).contains(&expires_at.since_ms(now)) {
        let text = "a playback token is good for a day at most, from now on";
        return Err(Refusal::new(ErrorCode::Invalid, text));
    }
    let token = asker.me.token.as_ref().map(|token| token.id);
    let standing = ctx.store.standing(asker.principal.account, token);
    let gone = || Refusal::new(ErrorCode::Unauthorized, "this account is known no longer");
    let made = (ctx.playback)(&channel, standing.ok_or_else(gone)?, expires_at);
    let token = made.map_err(|error| Refusal::new(ErrorCode::Internal, error))?;
    let playlist_url = format!("{}?v={token}", ctx.addresses.playlist(&channel));
    Ok(axum::Json(PlaybackToken { token, playlist_url, expires_at }))
}
