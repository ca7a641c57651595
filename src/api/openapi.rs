//! The API's own description, made from the handlers.

use std::sync::OnceLock;

use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Weir",
        description = "Operates a Weir node. Every change takes `?dry_run=true`; every refusal is an \
                       `ApiError`. `x-action` of a route is what its caller must be allowed to do."
    ),
    security(("operator" = [])),
    modifiers(&Bearer)
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
            "a token of an account, or the content of `operator.token` in the data directory",
        ));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("operator", SecurityScheme::Http(scheme.build()));
    }
}

/// The description of every route.
pub(super) fn openapi() -> utoipa::openapi::OpenApi {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(super::open_routes())
        .merge(super::guarded_routes())
        .to_openapi()
}

/// This description. Needs no token.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "node", security(()), responses(
    (status = 200, description = "OpenAPI 3.1", content_type = "application/json"),
))]
pub(super) async fn document() -> impl IntoResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| openapi().to_json().unwrap_or_default());
    ([(header::CONTENT_TYPE, "application/json")], text.as_str())
}
