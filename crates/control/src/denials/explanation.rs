//! Why a request was refused, in a sentence or two for whoever looks it up: what happened, and what to do.
//!
//! The long form is docs/ERRORS.md. One exhaustive match, so that no reason goes without words.

use portcullis_engine::Reason;

/// Of a reason that an edge knows and this version does not.
pub(super) const UNKNOWN: &str =
    "The edge is newer than this control plane, which does not know the reason: update the control plane.";

/// What a reason means.
pub(super) const fn of(reason: Reason) -> &'static str {
    match reason {
        Reason::AmbiguousPath => {
            "The path or method could mean one thing to the filter and another to the upstream: send it written plainly."
        }
        Reason::MissingCredential => {
            "No configured place held a key: send it as the policy's credentials say, such as `Authorization: Bearer`."
        }
        Reason::AmbiguousCredentials => {
            "There was more than one credential: send exactly one. A proxy that adds its own `Authorization` is the usual \
             cause."
        }
        Reason::MalformedCredential => {
            "A tab or another word stood where the key should be: send the key alone behind its scheme."
        }
        Reason::UnknownPrefix => {
            "What was sent begins like no key of this policy: check which key the client was given."
        }
        Reason::WrongLength => "The key is too short or too long for its prefix: check that the whole key was copied.",
        Reason::BadAlphabet => {
            "The key holds a character that such keys do not have: check that it was copied without quotes or spaces."
        }
        Reason::BadChecksum => "The key's checksum does not fit: it was mistyped, or made up.",
        Reason::UnknownKey => "The key is well formed and nobody's: it was made for another control plane, or made up.",
        Reason::RevokedKey => "The key was revoked and never works again: give the client a new key.",
        Reason::DisabledKey => "The key is switched off: enable it, if it should work again.",
        Reason::ExpiredKey => "The key's time is over: create a new key, and rotate the next one before it expires.",
        Reason::TokensNotAccepted => {
            "An access token was sent where none is taken: give the policy `[tokens]`, and send tokens in a header alone."
        }
        Reason::MalformedToken => {
            "The access token is cut short, garbled or longer than the policy's `max_bytes`: check that it was sent whole."
        }
        Reason::TokenType => {
            "Another kind of token, such as an id token or a refresh token, or one whose header wants what is not done here: \
             send the access token."
        }
        Reason::TokenAlgorithm => {
            "The token is signed in a way that is not taken, or not in that of its key: look what its issuer signs with."
        }
        Reason::UnknownTokenIssuer => {
            "The token was minted by nobody whose tokens are taken: compare its `iss` with the issuers, letter by letter."
        }
        Reason::UnknownTokenKey => {
            "The token's `kid` is none that its issuer has published as far as is known here: fetch the issuer's keys again, or \
             get a new token."
        }
        Reason::TokenAudience => "The token is meant for another API: ask for one with this policy's audience.",
        Reason::TokenClaims => {
            "The token lacks a claim, or has one of another type, or names an environment that the policy does not have."
        }
        Reason::TokenSignature => "The token's signature does not fit: it was changed on its way, or made up.",
        Reason::TokenForgeries => {
            "Many tokens whose signatures did not fit came of late, some from this address: it is not verified what else comes \
             from there and was not seen before. See who makes them up."
        }
        Reason::TokenNotYetValid => {
            "The token is from the future: the clock of whoever minted it, or the edge's, is wrong."
        }
        Reason::ExpiredToken => "The token's time is over: the client must get a new one before that.",
        Reason::UnknownTokenSubject => {
            "The credential, grant or issuer that the token was minted for is not there any more: give the client another one."
        }
        Reason::TokenRevoked => {
            "The credential, grant or issuer that the token was minted for was revoked: create a new one, or have the user \
             allow the app again."
        }
        Reason::TokenDisabled => {
            "The credential, grant or issuer that the token was minted for is switched off: enable it, if it should work again."
        }
        Reason::TokenKeyExpired => {
            "The time of what the token was minted for is over: create a new credential, and rotate the next one in time."
        }
        Reason::NoSkill => {
            "The path leads to a service, and the key belongs to no skill: give the key a skill that may use the service."
        }
        Reason::ForeignSkill => "The key's skill is another organisation's: give the key one of its own organisation.",
        Reason::ServiceNotLinked => "The key's skill may not use that service: add the service to the skill.",
        Reason::MethodNotForServices => {
            "A service that knows the method answers with the request, credential included: no such request goes to one."
        }
        Reason::SecretNotLinked => {
            "A secret is wanted that the skill, or the policy's `references`, does not link to that service: add its name there."
        }
        Reason::SecretMissing => {
            "There is no secret of that name for the skill: create it, for its owner or as a secret of the team."
        }
        Reason::MalformedReference => {
            "Something in a header or in the query begins with `{{secret:` and is no reference: write `{{secret:name}}`."
        }
        Reason::SecretUnreadable => {
            "The secret is sealed to keys that the edge does not have, or holds what no request can: enter its value again, and \
             look which keys the edge was given."
        }
        Reason::ServiceIsControl => {
            "The policy sends a service's requests to the control plane's own cluster, which must not get secrets: name another."
        }
        Reason::AnswersUnguarded => {
            "The edge runs the module that does not look at answers, so it gives out no secrets: load `portcullis-egress.wasm`."
        }
        Reason::OrganizationSuspended => {
            "The key's organisation is suspended: none of its keys works until it is active."
        }
        Reason::QuotaExhausted => {
            "The organisation's quota, which all its keys share, or the key's own is used up: look which one, and wait until it \
             is filled again or raise it."
        }
        Reason::RateLimited => {
            "More requests came in a while than a limit of the key, its organisation or the endpoint lets through: send them \
             more slowly, or raise the limit."
        }
        Reason::QuotaUnavailable => {
            "What the edge had of a quota was spent and the control plane did not answer, and the policy refuses such \
             requests: see why the edge does not reach it."
        }
        Reason::EnvironmentMismatch => {
            "The endpoint does not serve the key's environment: use a key of the other environment."
        }
        Reason::IpNotAllowed => {
            "The client's address is denied by the key's restrictions, or not on their list: compare it with the list. If it \
             is a proxy's, Envoy's `use_remote_address` and `xff_num_trusted_hops` do not fit what stands in front of it."
        }
        Reason::AddressUnknown => {
            "The key may be used from certain addresses only, and the proxy gave none: check how Envoy is connected."
        }
        Reason::ReferrerMissing => {
            "The key may be used by certain pages only, and the request had neither `Referer` nor `Origin`: send one, or \
             let the key's restriction allow missing ones."
        }
        Reason::ReferrerMalformed => {
            "The key may be used by certain pages only, and `Referer` or `Origin` is no page's address: `null`, a user \
             name and bytes beyond ASCII are none."
        }
        Reason::ReferrerNotAllowed => {
            "The calling page is not among those that the key may be used by: add it to the key's patterns. \
             `*.example.com` does not include `example.com` itself."
        }
        Reason::EndpointNotAllowed => {
            "Method and path are not on the key's own list of endpoints: add them, or use another key."
        }
        Reason::NoRule => {
            "The policy has no rule for this method and path, and denies what it has none for: check the spelling, or add a \
             rule."
        }
        Reason::NoScopes => "The endpoint wants a scope and the key has none at all: give the key the scope.",
        Reason::InsufficientScope => {
            "The key lacks a scope that the endpoint wants: give the key the scope, or use another key."
        }
        Reason::NoPolicy => {
            "No bundle had arrived at the edge since Envoy started: look at Envoy's log, the edge token and the public key."
        }
        Reason::StalePolicy => {
            "The edge's bundle was older than `max_bundle_age_seconds` allows: it cannot reach the control plane."
        }
        Reason::StoreUnavailable => {
            "The key's record could not be read at the edge, which fetches it again by itself: look at Envoy's log if it \
             goes on."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_sentence_of_its_own() {
        let mut all: Vec<_> = Reason::ALL.iter().map(|reason| of(*reason)).collect();
        assert!(all.iter().all(|it| it.ends_with('.') && !it.contains("  ")), "{all:?}");
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), Reason::ALL.len());
    }
}
