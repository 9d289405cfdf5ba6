package path

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/facts"
)

func at(port string, hops int) evidence.Distance {
	return evidence.Distance{Address: "192.0.2.1:" + port, Hops: hops, Answer: evidence.DistanceAccepted}
}

func failed(port string) evidence.Distance {
	return evidence.Distance{Address: "192.0.2.1:" + port, Failure: &evidence.Failure{Error: "the port does not answer"}}
}

func TestHops(t *testing.T) {
	refused, odd := at("1", 12), at("80", 12)
	refused.Answer, odd.Answer = evidence.DistanceRefused, "whatever"
	elsewhere := evidence.Distance{Address: "192.0.2.2:80", Hops: 20, Answer: evidence.DistanceAccepted}
	other := func(port, hops int64, answer string) facts.OtherPort {
		return facts.OtherPort{Port: port, Hops: hops, Answer: answer}
	}
	n := func(i int64) *int64 { return &i }
	for _, tt := range []struct {
		name      string
		distances []evidence.Distance
		want      *facts.Hops
		reason    string
	}{
		{"not asked", nil, nil, ""},
		{"nearer than the farthest", []evidence.Distance{at("443", 3), at("80", 3), refused}, &facts.Hops{Port: 3, Others: []facts.OtherPort{other(80, 3, "accepted"), other(1, 12, "refused")}, Nearer: n(9)}, ""},
		{"farther", []evidence.Distance{at("443", 12), at("80", 10)}, &facts.Hops{Port: 12, Others: []facts.OtherPort{other(80, 10, "accepted")}, Nearer: n(-2)}, ""},
		{"nobody else answers", []evidence.Distance{at("443", 3), failed("80"), failed("1")}, &facts.Hops{Port: 3, Others: []facts.OtherPort{}}, "no other port"},
		{"not counted", []evidence.Distance{failed("443"), at("80", 3)}, nil, "the port does not answer"},
		{"no number", []evidence.Distance{{Address: "192.0.2.1:443"}}, nil, "not known"},
		{"numbers that cannot be", []evidence.Distance{at("443", 3), at("80", 1000), at("81", -5), odd, elsewhere, at("443", 9)}, &facts.Hops{Port: 3, Others: []facts.OtherPort{}}, "no other port"},
		{"of another port first", []evidence.Distance{at("80", 3), at("443", 3)}, nil, "not known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reasons := map[string]string{}
			got := Hops(&evidence.Subject{Address: "192.0.2.1:443", Distances: tt.distances}, reasons)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if reason := reasons["endpoint.hops"] + reasons["endpoint.hops.nearer"]; tt.reason == "" && reason != "" || !strings.Contains(reason, tt.reason) {
				t.Errorf("reason %q, want %q", reason, tt.reason)
			}
		})
	}
	// Whoever made the evidence has no say in how much is compared.
	many := append([]evidence.Distance{at("443", 3)}, slices.Repeat([]evidence.Distance{at("80", 4)}, 1000)...)
	if got := Hops(&evidence.Subject{Address: "192.0.2.1:443", Distances: many}, map[string]string{}); len(got.Others) >= maxDistances {
		t.Errorf("%d ports were compared", len(got.Others))
	}
	// Through a proxy the address is not known, and why there is no number is.
	reasons := map[string]string{}
	if got := Hops(&evidence.Subject{Distances: []evidence.Distance{failed("443")}}, reasons); got != nil || reasons["endpoint.hops"] == "" {
		t.Errorf("%+v, reasons %v", got, reasons)
	}
}
