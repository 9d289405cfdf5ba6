package chain

import (
	"bytes"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

// A root that has gone vouches for what was issued before, whether it was served or
// only its key is known, and for nothing that breaks the path or that another key signed.
func TestFormerRoot(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*made)
		served bool
		end    time.Time
		want   bool
	}{
		{name: "issued before its end", end: now, want: true},
		{name: "issued before its end, root served", end: now, served: true, want: true},
		{name: "issued after its end", end: now.AddDate(-1, 0, 0)},
		{name: "issued after its end, root served", end: now.AddDate(-1, 0, 0), served: true},
		{name: "a stranger's leaf", end: now, change: func(m *made) { m.midKey = lab.ForgedKey() }},
		{name: "an issuer that is no CA", end: now, change: func(m *made) { m.mid.Set(lab.Basic(false, -1)) }},
		{name: "an impostor's root", end: now, change: func(m *made) { m.rootKey = lab.ForgedKey() }},
		{name: "an impostor's root, served", end: now, served: true, change: func(m *made) { m.rootKey, m.root.Key = lab.ForgedKey(), lab.ForgedKey() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := honest()
			_, der := m.served()
			root := cert.Parse(der)
			d := trust.Distrusted{Name: "Test Root", CA: root, Decisions: []trust.Decision{{Program: programMozilla, Kind: trust.Removed, Date: tt.end}}}
			roots := gone{
				root: func(c *cert.Certificate) (trust.Distrusted, bool) { return d, bytes.Equal(c.SPKI, root.SPKI) },
				named: func(n *cert.Name) []trust.Distrusted {
					if n.Normal() != root.Subject.Normal() {
						return nil
					}
					return []trust.Distrusted{d}
				},
			}
			if tt.change != nil {
				tt.change(m)
			}
			chain := [][]byte{m.leaf.Sign(m.midKey, ""), m.mid.Sign(m.rootKey, "")}
			if tt.served {
				chain = append(chain, m.root.Sign(m.rootKey, ""))
			}
			in := input(t, trust.Options{}, chain...)
			v := verify(in, newGraph(in), in.Certificates[0])
			if got, ok := v.formerRoot(in, roots); ok != tt.want || ok && got.Name != d.Name {
				t.Errorf("formerRoot = %q, %v; want %v", got.Name, ok, tt.want)
			}
		})
	}
}

func TestTrustedAt(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	mozilla := trust.Decision{Program: programMozilla, Kind: trust.Removed, Date: day("2021-12-13")}
	chrome := trust.Decision{Program: "chrome", Kind: trust.AfterNotBefore, Date: day("2020-01-01")}
	blocked := trust.Decision{Program: "apple", Kind: trust.Blocked, Date: day("2022-01-01")}
	for _, tt := range []struct {
		name      string
		decisions []trust.Decision
		issued    string
		want      bool
		givenUp   bool
	}{
		{"issued before the removal", []trust.Decision{mozilla}, "2021-12-12", true, false},
		{"issued on the day", []trust.Decision{mozilla}, "2021-12-13", false, false},
		{"issued after it was given up", []trust.Decision{mozilla}, "2023-01-01", true, true},
		{"given up, and blocked", []trust.Decision{mozilla, blocked}, "2019-12-31", false, true},
		{"issued after another program's end", []trust.Decision{mozilla, chrome}, "2020-06-01", false, false},
		{"issued before every end", []trust.Decision{mozilla, chrome}, "2019-12-31", true, false},
		{"blocked later", []trust.Decision{mozilla, blocked}, "2019-12-31", false, false},
		{"never a root of Mozilla", []trust.Decision{chrome}, "2019-12-31", false, false},
		{"nothing was decided", nil, "2019-12-31", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := trustedAt(&trust.Distrusted{Decisions: tt.decisions, GivenUp: tt.givenUp}, day(tt.issued)); got != tt.want {
				t.Errorf("trustedAt = %v, want %v", got, tt.want)
			}
		})
	}
}
