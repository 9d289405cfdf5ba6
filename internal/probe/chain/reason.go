package chain

// Reasons why a path is not accepted, or what a certificate on it does that
// RFC 5280 or the browsers' rules forbid. They are the values of
// facts.Violation.Reason, facts.Path.Reason and facts.Chain.VerifyError, and are
// never renamed.
const (
	// reasonUnknown to reasonUnreadable break a path.
	reasonUnknown    = "unknown-authority"
	reasonSignature  = "signature"
	reasonExpired    = "expired"
	reasonEarly      = "not-yet-valid"
	reasonNotCA      = "not-a-ca"
	reasonKeyUsage   = "key-usage"
	reasonUsage      = "ext-key-usage"
	reasonPathLength = "path-length"
	reasonNames      = "name-constraint"
	reasonOtherNames = "name-constraint-other"
	reasonNameLimit  = "name-constraint-limit"
	reasonCritical   = "unknown-critical-extension"
	reasonSHA1       = "sha1"
	reasonOldHash    = "md5"
	reasonWeakKey    = "weak-key"
	reasonVersion    = "version"
	reasonProgram    = "constraint"
	reasonRevoked    = "revoked"
	reasonBudget     = "budget"
	reasonUnreadable = "unreadable"
	reasonRefused    = "refused"

	// The rest breaks no path in crypto/x509, and breaks one in other software.
	reasonKeyShape        = "key-shape"
	reasonKeyParameters   = "key-parameters"
	reasonNameForm        = "name-form"
	reasonNameMalformed   = "name-constraint-malformed"
	reasonNameDot         = "name-constraint-leading-dot"
	reasonNameNotCritical = "name-constraint-not-critical"
	reasonNameOnLeaf      = "name-constraint-on-leaf"
	reasonNameCN          = "name-constraint-common-name"
	reasonBCMissing       = "basic-constraints-missing"
	reasonBCNotCritical   = "basic-constraints-not-critical"
	reasonLeafMaySign     = "leaf-may-sign"
	reasonLeafIsCA        = "leaf-is-ca"
	reasonUsageAny        = "ext-key-usage-any"
	reasonUsageCritical   = "ext-key-usage-critical"
	reasonUsageEmpty      = "ext-key-usage-empty"
	reasonUsageOnRoot     = "ext-key-usage-on-root"
	reasonIssuerEmpty     = "issuer-empty"
	reasonSubjectEmpty    = "subject-empty"
	reasonNoAKI           = "aki-missing"
	reasonCriticalAKI     = "aki-critical"
	reasonRootAKI         = "aki-on-root"
	reasonIssuerAKI       = "aki-names-other-issuer"
	reasonNoSKI           = "ski-missing"
	reasonCriticalSKI     = "ski-critical"
	reasonPolicies        = "policy-constraints-not-critical"
	reasonSAN             = "san-criticality"
	reasonSerial          = "serial"
	reasonHostName        = "host-name"
	reasonCommonName      = "common-name"
	reasonCommonAddress   = "common-name-address"
)

// breaking are the reasons for which no path may be called accepted, whatever
// a library says, in the order in which they are told.
var breaking = []string{
	reasonOldHash, reasonVersion, reasonNotCA, reasonKeyUsage, reasonPathLength, reasonNames, reasonOtherNames, reasonNameLimit,
	reasonCritical, reasonWeakKey,
}
