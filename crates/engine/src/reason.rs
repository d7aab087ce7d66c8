//! Why a request is refused: one exhaustive enum, and the one place where it becomes an HTTP status and a public code.
//!
//! A [`Reason`] is for operators (logs, metrics, explain) and never reaches a client; a [`Code`] is for clients and
//! never says more than it must. Deliberately not `#[non_exhaustive]`: a new reason breaks every `match` on purpose.

use core::fmt;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// The value of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

named! {
    /// Why a request was refused, as finely as the edge knows.
    Reason {
        /// The path could mean two things to two servers.
        AmbiguousPath = "ambiguous_path",
        /// No configured source carries a credential.
        MissingCredential = "missing_credential",
        /// More than one credential.
        AmbiguousCredentials = "ambiguous_credentials",
        /// A credential is there but not in the form its source wants.
        MalformedCredential = "malformed_credential",
        /// The key starts with no known prefix.
        UnknownPrefix = "unknown_prefix",
        /// The key's body is too short or too long.
        WrongLength = "wrong_length",
        /// The key's body holds a character its format does not.
        BadAlphabet = "bad_alphabet",
        /// The key's checksum does not fit: mistyped, or made up.
        BadChecksum = "bad_checksum",
        /// Well formed, but no such key.
        UnknownKey = "unknown_key",
        /// The key was revoked.
        RevokedKey = "revoked_key",
        /// The key is switched off for now.
        DisabledKey = "disabled_key",
        /// The key's time is over.
        ExpiredKey = "expired_key",
        /// The credential is an access token, and none is taken here.
        TokensNotAccepted = "tokens_not_accepted",
        /// The access token is not in the form of one, or too long.
        MalformedToken = "malformed_token",
        /// A signed token of another kind, or one whose header asks for what is not done here.
        TokenType = "token_type",
        /// Not signed in the way its key signs.
        TokenAlgorithm = "token_algorithm",
        /// Minted by nobody whose tokens are taken.
        UnknownTokenIssuer = "unknown_token_issuer",
        /// Signed with a key that its issuer has not published.
        UnknownTokenKey = "unknown_token_key",
        /// Minted for somebody else.
        TokenAudience = "token_audience",
        /// A claim is missing, of the wrong type, or names an environment that the policy does not have.
        TokenClaims = "token_claims",
        /// The signature does not fit.
        TokenSignature = "token_signature",
        /// Too many tokens of late whose signatures did not fit, some of them from there: no more are verified for now.
        TokenForgeries = "token_forgeries",
        /// The token's time has not come.
        TokenNotYetValid = "token_not_yet_valid",
        /// The token's time is over.
        ExpiredToken = "expired_token",
        /// The credential, grant or issuer that the token was minted for has no record.
        UnknownTokenSubject = "unknown_token_subject",
        /// What the token was minted for was revoked.
        TokenRevoked = "token_revoked",
        /// What the token was minted for is switched off for now.
        TokenDisabled = "token_disabled",
        /// The time of what the token was minted for is over.
        TokenKeyExpired = "token_key_expired",
        /// The key's organisation is suspended.
        OrganizationSuspended = "organization_suspended",
        /// The organisation's quota is used up until a known time.
        QuotaExhausted = "quota_exhausted",
        /// More requests in a while than a rate limit lets through.
        RateLimited = "rate_limited",
        /// A quota could not be asked, and the policy refuses such requests.
        QuotaUnavailable = "quota_unavailable",
        /// The rule does not serve the key's environment.
        EnvironmentMismatch = "environment_mismatch",
        /// The client's address is outside the key's networks.
        IpNotAllowed = "ip_not_allowed",
        /// The key has address rules and the proxy gave no address.
        AddressUnknown = "address_unknown",
        /// The key has referrer rules and the request has neither Referer nor Origin.
        ReferrerMissing = "referrer_missing",
        /// Referer or Origin is there and cannot be read as a page's address.
        ReferrerMalformed = "referrer_malformed",
        /// Referer or Origin is outside the key's patterns.
        ReferrerNotAllowed = "referrer_not_allowed",
        /// The endpoint is not on the key's own list.
        EndpointNotAllowed = "endpoint_not_allowed",
        /// No route rule is for this method and path.
        NoRule = "no_rule",
        /// The rule wants scopes and the key has none at all.
        NoScopes = "no_scopes",
        /// The key lacks a scope that the rule wants.
        InsufficientScope = "insufficient_scope",
        /// The rule leads to a service, and the key belongs to no skill that is there.
        NoSkill = "no_skill",
        /// The key's skill is another organisation's.
        ForeignSkill = "foreign_skill",
        /// The key's skill may not use the service.
        ServiceNotLinked = "service_not_linked",
        /// The method makes a service answer with the request, and with it the credential.
        MethodNotForServices = "method_not_for_services",
        /// A secret is referred to that the skill, or the policy, does not link to the service.
        SecretNotLinked = "secret_not_linked",
        /// A secret is referred to that is not there.
        SecretMissing = "secret_missing",
        /// Something begins like a reference to a secret and is none.
        MalformedReference = "malformed_reference",
        /// The secret is sealed to other edges, or is nothing that a request can hold.
        SecretUnreadable = "secret_unreadable",
        /// The service is in the cluster of the control plane, which must not get secrets.
        ServiceIsControl = "service_is_control",
        /// This module does not look at answers, so it gives out no secrets.
        AnswersUnguarded = "answers_unguarded",
        /// No bundle has arrived yet.
        NoPolicy = "no_policy",
        /// The bundle is older than the configured maximum.
        StalePolicy = "stale_policy",
        /// Key records could not be read; refused rather than guessed.
        StoreUnavailable = "store_unavailable",
    }
}

named! {
    /// What the client is told. Stable: programs match on it.
    Code {
        /// 400.
        AmbiguousPath = "ambiguous_path",
        /// 401: no credential.
        MissingApiKey = "missing_api_key",
        /// 401: malformed, unknown or revoked; one code, so that nothing leaks.
        InvalidApiKey = "invalid_api_key",
        /// 401.
        ExpiredApiKey = "expired_api_key",
        /// 401: an access token that does not count; one code, so that nothing leaks.
        InvalidToken = "invalid_token",
        /// 401: an access token whose time is over; another one is to be had.
        ExpiredToken = "expired_token",
        /// 401: more than one credential.
        AmbiguousCredentials = "ambiguous_credentials",
        /// 403.
        InsufficientScope = "insufficient_scope",
        /// 403.
        EnvironmentMismatch = "environment_mismatch",
        /// 403.
        IpNotAllowed = "ip_not_allowed",
        /// 403.
        ReferrerNotAllowed = "referrer_not_allowed",
        /// 403.
        EndpointNotAllowed = "endpoint_not_allowed",
        /// 403.
        OrganizationSuspended = "organization_suspended",
        /// 403: the key's skill may not use that service.
        ServiceNotAllowed = "service_not_allowed",
        /// 403: a secret that the request needs is not there; the answer names it.
        MissingSecret = "missing_secret",
        /// 429.
        QuotaExceeded = "quota_exceeded",
        /// 429.
        RateLimited = "rate_limited",
        /// 503: a secret cannot be used here.
        SecretUnavailable = "secret_unavailable",
        /// 503: a quota cannot be asked.
        QuotaUnavailable = "quota_unavailable",
        /// 503.
        PolicyUnavailable = "policy_unavailable",
    }
}

impl Reason {
    /// The public code. The only mapping from reason to code.
    pub const fn code(self) -> Code {
        match self {
            Self::AmbiguousPath => Code::AmbiguousPath,
            Self::MissingCredential => Code::MissingApiKey,
            Self::AmbiguousCredentials => Code::AmbiguousCredentials,
            Self::MalformedCredential
            | Self::UnknownPrefix
            | Self::WrongLength
            | Self::BadAlphabet
            | Self::BadChecksum
            | Self::UnknownKey
            | Self::RevokedKey
            | Self::DisabledKey
            | Self::TokensNotAccepted => Code::InvalidApiKey,
            Self::ExpiredKey => Code::ExpiredApiKey,
            Self::MalformedToken
            | Self::TokenType
            | Self::TokenAlgorithm
            | Self::UnknownTokenIssuer
            | Self::UnknownTokenKey
            | Self::TokenAudience
            | Self::TokenClaims
            | Self::TokenSignature
            | Self::TokenNotYetValid
            | Self::UnknownTokenSubject
            | Self::TokenRevoked
            | Self::TokenDisabled
            | Self::TokenKeyExpired => Code::InvalidToken,
            Self::ExpiredToken => Code::ExpiredToken,
            Self::OrganizationSuspended => Code::OrganizationSuspended,
            Self::QuotaExhausted => Code::QuotaExceeded,
            Self::RateLimited | Self::TokenForgeries => Code::RateLimited,
            Self::QuotaUnavailable => Code::QuotaUnavailable,
            Self::EnvironmentMismatch => Code::EnvironmentMismatch,
            Self::IpNotAllowed | Self::AddressUnknown => Code::IpNotAllowed,
            Self::ReferrerMissing | Self::ReferrerMalformed | Self::ReferrerNotAllowed => Code::ReferrerNotAllowed,
            Self::EndpointNotAllowed | Self::NoRule => Code::EndpointNotAllowed,
            Self::NoScopes | Self::InsufficientScope => Code::InsufficientScope,
            Self::NoSkill | Self::ForeignSkill | Self::ServiceNotLinked | Self::MethodNotForServices => {
                Code::ServiceNotAllowed
            }
            Self::SecretNotLinked | Self::SecretMissing | Self::MalformedReference => Code::MissingSecret,
            Self::SecretUnreadable | Self::ServiceIsControl | Self::AnswersUnguarded => Code::SecretUnavailable,
            Self::NoPolicy | Self::StalePolicy | Self::StoreUnavailable => Code::PolicyUnavailable,
        }
    }
}

impl Code {
    /// The HTTP status. The only mapping from code to status.
    pub const fn status(self) -> u16 {
        match self {
            Self::AmbiguousPath => 400,
            Self::MissingApiKey
            | Self::InvalidApiKey
            | Self::ExpiredApiKey
            | Self::InvalidToken
            | Self::ExpiredToken
            | Self::AmbiguousCredentials => 401,
            Self::InsufficientScope
            | Self::EnvironmentMismatch
            | Self::IpNotAllowed
            | Self::ReferrerNotAllowed
            | Self::EndpointNotAllowed
            | Self::OrganizationSuspended
            | Self::ServiceNotAllowed
            | Self::MissingSecret => 403,
            Self::QuotaExceeded | Self::RateLimited => 429,
            Self::SecretUnavailable | Self::QuotaUnavailable | Self::PolicyUnavailable => 503,
        }
    }

    /// The grpc-status that says the same to a gRPC client (google.rpc.Code).
    pub const fn grpc_status(self) -> u32 {
        match self.status() {
            400 => 3,
            401 => 16,
            403 => 7,
            429 => 8,
            _ => 14,
        }
    }

    /// The `error` attribute of `WWW-Authenticate` (RFC 6750 §3.1), where one fits.
    pub const fn bearer_error(self) -> Option<&'static str> {
        match self {
            Self::InvalidApiKey | Self::ExpiredApiKey | Self::InvalidToken | Self::ExpiredToken => {
                Some("invalid_token")
            }
            Self::AmbiguousCredentials => Some("invalid_request"),
            Self::InsufficientScope => Some("insufficient_scope"),
            _ => None,
        }
    }

    /// The message a client reads unless the policy words it otherwise.
    pub const fn default_message(self) -> &'static str {
        match self {
            Self::AmbiguousPath => "Ambiguous path",
            Self::MissingApiKey => "Missing API key",
            Self::InvalidApiKey => "Invalid API key",
            Self::ExpiredApiKey => "Expired API key",
            Self::InvalidToken => "Invalid access token",
            Self::ExpiredToken => "Expired access token",
            Self::AmbiguousCredentials => "Ambiguous credentials",
            Self::InsufficientScope => "Insufficient scope",
            Self::EnvironmentMismatch => "Wrong environment",
            Self::IpNotAllowed => "IP address not allowed",
            Self::ReferrerNotAllowed => "Referrer not allowed",
            Self::EndpointNotAllowed => "Endpoint not allowed",
            Self::OrganizationSuspended => "Organization suspended",
            Self::ServiceNotAllowed => "Service not allowed",
            Self::MissingSecret => "Missing secret",
            Self::SecretUnavailable => "Secret unavailable",
            Self::QuotaExceeded => "Quota exceeded",
            Self::RateLimited => "Rate limit exceeded",
            Self::QuotaUnavailable => "Quota cannot be checked right now",
            Self::PolicyUnavailable => "Policy unavailable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_name(reason.as_str()), Some(*reason));
        }
        for code in Code::ALL {
            assert_eq!(Code::from_name(code.as_str()), Some(*code));
        }
    }

    #[test]
    fn every_code_has_a_reason() {
        for code in Code::ALL {
            assert!(Reason::ALL.iter().any(|reason| reason.code() == *code), "{code}");
        }
    }
}
