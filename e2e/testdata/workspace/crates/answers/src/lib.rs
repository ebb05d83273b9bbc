//! What the agent answers.

/// The status line and the body for the first line of a request.
pub fn to(request: &str) -> (&'static str, &'static str) {
    match request.trim_end() {
        "GET /v1/capabilities HTTP/1.1" => (
            "200 OK",
            r#"{"version": "v1", "features": ["built-in-the-guest"], "backend": "world-agent", "platform": "linux"}"#,
        ),
        "GET /v1/doctor/world HTTP/1.1" => ("200 OK", r#"{"schema_version": 1, "ok": true}"#),
        _ => ("404 Not Found", r#"{"error": "no such route"}"#),
    }
}
