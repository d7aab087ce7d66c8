//! Pages outside the gate, messages, receipts.

use super::*;
use crate::pages::form::Problems;
use crate::pages::gate::{Invitation, SignIn, Welcome};
use crate::pages::message::{Confirm, ErrorPage, ErrorText, GateError};
use crate::pages::receipt::{ReceiptPage, ReceiptRow};

pub(super) fn pages() -> Vec<Page> {
    let sign_in = |problem, email: &str| SignIn {
        shell: gate("Sign in", problem),
        email: email.to_owned(),
        next: "/keys".to_owned(),
    };
    let welcome = |organization: &str, problems| Welcome {
        shell: gate("Welcome", None),
        name: organization.to_owned(),
        email: organization.to_owned(),
        organization: organization.to_owned(),
        problems,
    };
    let wrong = Problems(vec![("password", "too short: 12 characters at least".to_owned())]);
    let invitation = |email: Option<&str>, by: Option<&str>| Invitation {
        shell: gate("Join", None),
        organization: HOSTILE.to_owned(),
        role: "member".to_owned(),
        invited_by: by.map(str::to_owned),
        fixed_email: email.map(str::to_owned),
        email: String::new(),
        name: String::new(),
        has_account: by.is_none(),
        problems: Problems::default(),
    };
    let error = |status, title: &str, detail: &str| ErrorText {
        status,
        title: title.to_owned(),
        detail: detail.to_owned(),
        hint: Some("Ask an owner of your organisation for the role.".to_owned()),
        request_id: Some("req_0pQ3x7yT2mVb".to_owned()),
        is_stray: false,
    };
    let bare = ErrorText {
        status: 500,
        title: "That went wrong".to_owned(),
        detail: HOSTILE.to_owned(),
        hint: None,
        request_id: None,
        is_stray: true,
    };
    let confirm = |points: &[&str], danger| Confirm {
        shell: shell("Revoke", Section::Keys),
        question: format!("Revoke {HOSTILE}?"),
        points: strings(points),
        action: "/keys/key_4fTq9ZxLw2Pm0aRb/revoke".to_owned(),
        hidden: vec![("etag", HOSTILE.to_owned())],
        yes: "Revoke it for good".to_owned(),
        danger,
        back: "/keys/key_4fTq9ZxLw2Pm0aRb".to_owned(),
    };
    let receipts = |enforced, rows| ReceiptPage {
        shell: shell("Receipt", Section::None),
        receipt: receipt(enforced),
        changed: ago(4),
        rows,
    };
    let rows = vec![
        ReceiptRow { edge: "edge-eu-1".to_owned(), enforced: true, silent: false, ms: Some(84) },
        ReceiptRow { edge: HOSTILE.to_owned(), enforced: false, silent: true, ms: None },
    ];
    let points =
        ["Every request with it gets 401 within a second.", "It was used 3 minutes ago.", "It cannot be undone."];
    vec![
        page("sign-in", &sign_in(None, "")),
        page("sign-in-problem", &sign_in(Some("E-mail address or password is wrong"), HOSTILE)),
        page("welcome", &welcome("", Problems::default())),
        page("welcome-problem", &welcome(HOSTILE, wrong)),
        page("invitation", &invitation(Some("grace@example.com"), Some("Ada Lindqvist"))),
        page("invitation-open", &invitation(None, None)),
        page(
            "gate-error",
            &GateError {
                shell: gate("Gone", None),
                error: error(404, "This link does not work", "It was used or is too old."),
            },
        ),
        page(
            "error-403",
            &ErrorPage {
                shell: shell("Not allowed", Section::None),
                error: error(403, "Not allowed", "This wants the permission `policy:write`."),
            },
        ),
        page("error-500", &ErrorPage { shell: viewer_shell("Error", Section::None), error: bare }),
        page("confirm", &confirm(&points, true)),
        page("confirm-plain", &confirm(&[], false)),
        page("receipt", &receipts(1, rows)),
        page("receipt-empty", &receipts(2, vec![])),
        page("receipt-fragment", &receipt(2)),
    ]
}
