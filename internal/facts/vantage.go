package facts

// Answers are what one service of a run showed when it was asked for one name more
// than once: at several addresses, from several vantages, with several
// ClientHellos. Only services that showed more than one leaf key are listed.
type Answers struct {
	Service string `fact:"service" doc:"what was asked, such as https://example.org:443"`
	Keys    int64  `fact:"keys" doc:"different leaf keys"`
	Issuers int64  `fact:"issuers" doc:"different keys, or names where no key is at hand, that issued the leaves"`
	Vouched int64  `fact:"vouched" doc:"leaf keys for which a public or inventory root vouches"`

	// Odd is empty where no other answer is vouched for: then the odd one is
	// the rule, and its chain is judged alone.
	Odd      []string `fact:"odd" doc:"leaves for which no public or inventory root and no log vouches, while a root vouches for another answer of the same week; sha256:hex"`
	OddFrom  []string `fact:"odd_from" doc:"vantage, address and ClientHello of the answers with these leaves, at most eight"`
	Apart    string   `fact:"apart" doc:"what sets odd and vouched answers apart: vantage, address, hello, in this order; mixed where none does; empty where there are no odd ones"`
	Unlogged []string `fact:"unlogged" doc:"leaves for which a public root and no log vouches, while a log vouches for another answer of the same week; sha256:hex"`

	Unexpected int64 `fact:"unexpected" doc:"leaf keys that the owner does not expect, while another answer is as expected"`
}

// Loss is a service that gives one vantage less than another, or than an earlier
// report.
type Loss struct {
	Service string   `fact:"service" doc:"what was asked, such as https://example.org:443"`
	Vantage string   `fact:"vantage" doc:"from where less was had"`
	Than    string   `fact:"than" doc:"the vantage that had more, or baseline for an earlier report"`
	What    []string `fact:"what" doc:"what is missing: TLS 1.3, post-quantum group, large ClientHello, ALPN and the protocol, OCSP staple"`
}
