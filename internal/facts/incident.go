package facts

import "time"

// Incident is a documented incident that a certificate belongs to. Where there
// is none every text is empty and Year is zero.
type Incident struct {
	ID      string `fact:"id" doc:"name of the incident, such as diginotar-2011; empty if none"`
	Year    int64  `fact:"year" doc:"when it happened"`
	Title   string `fact:"title" doc:"what it is called"`
	Account string `fact:"account" doc:"what happened, in a few sentences"`
	Source  string `fact:"source" doc:"where to read more, an https address"`
	Means   string `fact:"means" doc:"what the match means: forged, misissued, defective, rogue-ca, lax-ca, interception, unbounded-ca, leaked-ca-key, leaked-key, weak-key, attack-tool, lookalike, research, override-stub; empty if none"`
	Record  string `fact:"record" doc:"name of the certificate or key that is on record"`
	By      string `fact:"matched_by" doc:"certificate, key, issuer-serial, or signer: a CA of the incident signed it; empty if none"`
}

// Distrust is one decision of one root program about a CA above the leaf.
type Distrust struct {
	ID      string    `fact:"id" doc:"name of the case, such as entrust-2024"`
	Owner   string    `fact:"owner" doc:"who ran the CA"`
	CA      string    `fact:"ca" doc:"what the CA is called"`
	Program string    `fact:"program" doc:"mozilla, chrome, apple or microsoft"`
	Kind    string    `fact:"kind" doc:"removed, blocked, not-before (certificates whose notBefore is later than the date) or sct (those whose earliest SCT is later)"`
	Date    time.Time `fact:"date" doc:"the date of the decision, or that certificates are compared with"`
	Why     string    `fact:"why" doc:"the reason in a sentence"`
	Source  string    `fact:"source" doc:"where to read more, an https address"`
	By      string    `fact:"matched_by" doc:"certificate (it was supplied) or signer (its key, which is at hand, verifies the path)"`
	Exempt  bool      `fact:"exempt" doc:"the path goes through an intermediate that the programs excepted"`
	Applies bool      `fact:"applies" doc:"at the time of judgement the program refuses this leaf because of it"`
}
