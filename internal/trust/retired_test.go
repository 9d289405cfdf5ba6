package trust

import (
	"slices"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
)

// TestRetiredFile reads the shipped table: what is wrong in it would stop the program
// when it first looks something up.
func TestRetiredFile(t *testing.T) {
	table, err := readDistrust(retiredFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.DateOnly, table.date); err != nil {
		t.Errorf("date: %v", err)
	}
	keys := map[string]string{}
	for hash, d := range table.certificates {
		// Of two certificates over one key the one that stayed longer counts.
		if other := keys[string(d.CA.SPKI)]; other != "" {
			t.Errorf("%s and %s have one key", d.Name, other)
		}
		keys[string(d.CA.SPKI)] = d.Name
		if len(d.Decisions) != 1 || d.Decisions[0].Program != "mozilla" || d.Decisions[0].Kind != Removed {
			t.Errorf("%s (%s): decisions %+v, want one removal", d.Name, hash, d.Decisions)
		}
	}
}

func TestRetired(t *testing.T) {
	i := slices.IndexFunc(retired().names[name(t, "DST Root CA X3")], func(d *Distrusted) bool { return d.Name == "DST Root CA X3" })
	if i < 0 {
		t.Fatal("DST Root CA X3 is not there")
	}
	dst := retired().names[name(t, "DST Root CA X3")][i]
	if got := RetiredName(&dst.CA.Subject); len(got) != 1 || got[0].Name != dst.Name {
		t.Errorf("RetiredName(DST Root CA X3) = %v", got)
	}
	if got, ok := RetiredRoot(dst.CA); !ok || got.Name != dst.Name {
		t.Errorf("RetiredRoot(DST Root CA X3) = %v, %v", got.Name, ok)
	}
	if got := RetiredName(&cert.Name{}); len(got) != 0 {
		t.Errorf("RetiredName of nothing = %v", got)
	}
	for _, d := range retired().certificates {
		if !d.GivenUp {
			t.Errorf("%s was given up, and is not said to be", d.Name)
		}
	}
	for _, d := range distrusted().certificates {
		if d.GivenUp {
			t.Errorf("%s is said to be given up", d.Name)
		}
		if got, ok := RetiredRoot(d.CA); !ok || got.ID == "" || len(RetiredName(&d.CA.Subject)) == 0 {
			t.Errorf("%s is distrusted and not known to have gone", d.Name)
		}
	}
}

// name is the normalised subject of the retired root of a name.
func name(t *testing.T, want string) string {
	t.Helper()
	for _, d := range retired().certificates {
		if d.Name == want {
			return d.CA.Subject.Normal()
		}
	}
	t.Fatalf("%s is not in the table", want)
	return ""
}
