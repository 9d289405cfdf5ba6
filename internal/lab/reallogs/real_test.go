package reallogs

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	ct "github.com/google/certificate-transparency-go"
	"github.com/google/certificate-transparency-go/tls"
	ctx509 "github.com/google/certificate-transparency-go/x509"

	"github.com/certassay/certassay/internal/lab"
)

// Two full tiles and a partial one; a number that CTFE's page does not divide.
const gridSize = 621

// eachLog runs a test on a filled log of each protocol.
func eachLog(t *testing.T, test func(t *testing.T, h *lab.Lab, l *Log)) {
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			h := hierarchy()
			l := Start(t, protocol, h.Root.DER)
			l.Fill(t, h, 0, gridSize)
			waitSize(t, l, gridSize)
			test(t, h, l)
		})
	}
}

func TestRealLogs(t *testing.T) {
	eachLog(t, func(t *testing.T, h *lab.Lab, l *Log) {
		t.Run("logs", func(t *testing.T) { testLogs(t, l) })
		t.Run("search", func(t *testing.T) { testSearch(t, l) })
		t.Run("ranges", func(t *testing.T) { testRanges(t, l) })
		t.Run("entry", func(t *testing.T) { testEntry(t, h, l) })
		t.Run("prove", func(t *testing.T) { testProve(t, h, l) })
		t.Run("growth", func(t *testing.T) { testGrowth(t, h, l) })
	})
}

func testLogs(t *testing.T, l *Log) {
	got := answer[logsJSON](t, 0, "ct", "logs", "--check", "-f", "json", "--log", l.Flag(l.Monitor))
	if len(got.Logs) != 1 || got.Logs[0].Protocol != l.Protocol || got.Logs[0].Error != "" || got.Logs[0].Head.Size != gridSize {
		t.Errorf("ct logs --check = %+v, want %s with %d entries", got, l.Protocol, gridSize)
	}
}

func testSearch(t *testing.T, l *Log) {
	got, log := search(t, 0, l, l.Monitor, ".grid.example")
	if !log.Complete || log.Verified != gridSize || log.From != 0 || log.To != gridSize || len(log.Gaps)+len(log.Odd) != 0 {
		t.Errorf("searched = %+v, want all %d entries", log, gridSize)
	}
	seen, precerts := map[string]bool{}, 0
	for _, h := range got.Hits {
		if !h.Verified || len(h.Names) != 1 || seen[h.Names[0]] {
			t.Errorf("hit = %+v, want it verified, with a new name", h)
		}
		seen[h.Names[0]] = true
		if h.Type == "precertificate" {
			precerts++
		}
	}
	for i := range gridSize {
		if name := fmt.Sprintf("host%d.grid.example", i); !seen[name] {
			t.Errorf("%s was submitted and is not found", name)
		}
	}
	if len(got.Hits) != gridSize || precerts != gridSize/2 {
		t.Errorf("%d hits, %d of them precertificates, want %d and %d", len(got.Hits), precerts, gridSize, gridSize/2)
	}
	if got, _ := search(t, 0, l, l.Monitor, "host17.grid.example"); len(got.Hits) != 1 || !slices.Equal(got.Hits[0].Names, []string{"host17.grid.example"}) {
		t.Errorf("search for one name = %+v, want it alone", got.Hits)
	}
	if got, _ := search(t, 0, l, l.Monitor, "grid.example"); len(got.Hits) != 0 {
		t.Errorf("search for a name that is not there = %+v, want nothing", got.Hits)
	}
}

func testRanges(t *testing.T, l *Log) {
	for _, r := range [][2]uint64{{0, 1}, {gridSize - 1, gridSize}, {255, 257}, {256, 512}, {99, 101}, {300, 620}} {
		got, log := search(t, 0, l, l.Monitor, ".grid.example", "--from", fmt.Sprint(r[0]), "--to", fmt.Sprint(r[1]))
		if uint64(len(got.Hits)) != r[1]-r[0] || !log.Complete || log.Verified != r[1]-r[0] || got.Hits[0].Index != r[0] {
			t.Errorf("[%d, %d): %d hits, %+v, want all", r[0], r[1], len(got.Hits), log)
		}
	}
	if _, log := search(t, 3, l, l.Monitor, ".grid.example", "--from", "600", "--to", "700"); log.Complete || log.Verified != gridSize-600 || len(log.Gaps) != 1 || log.Gaps[0].From != gridSize || log.Gaps[0].To != 700 {
		t.Errorf("a range beyond the end = %+v, want a gap behind %d", log, gridSize)
	}
}

func testEntry(t *testing.T, h *lab.Lab, l *Log) {
	for _, index := range []int{0, 1, 255, 256, gridSize - 1} {
		got := answer[entryJSON](t, 0, "ct", "entry", "-f", "json", l.Flag(l.Monitor), fmt.Sprint(index))
		if !got.Verified || got.Problem != "" || len(got.Chain) != 2 || !bytes.Equal(got.Chain[0], h.Intermediate.DER) || !bytes.Equal(got.Chain[1], h.Root.DER) {
			t.Errorf("entry %d = %+v, want it verified with issuer and root", index, got)
		}
		if got.Type != "certificate" {
			continue
		}
		c, err := x509.ParseCertificate(got.DER)
		if err != nil || len(c.DNSNames) != 1 || !slices.Equal(c.DNSNames, got.Names) {
			t.Errorf("entry %d: names %q, crypto/x509 reads %v, %v", index, got.Names, c, err)
		}
	}
	if r := certassay(t, "ct", "entry", l.Flag(l.Monitor), fmt.Sprint(gridSize)); r.code != 3 {
		t.Errorf("entry behind the last ended with %d, want 3\n%s%s", r.code, r.out, r.stderr)
	}
}

// proveOne runs "ct prove" on a chain; its certificate has one SCT.
func proveOne(t *testing.T, code int, l *Log, address string, chain ...[]byte) (signature, inclusion string, index *uint64) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "chain.pem")
	if err := os.WriteFile(name, encodePEM(chain...), 0o600); err != nil {
		t.Fatal(err)
	}
	got := answer[proofsJSON](t, code, "ct", "prove", name, "-f", "json", "--rate", "1000", "--log", l.Flag(address), "--roots", writeRoots(t, l.roots))
	if len(got.Certificates) != 1 || len(got.Certificates[0].SCTs) != 1 {
		t.Fatalf("ct prove = %+v, want one certificate with one SCT", got)
	}
	s := got.Certificates[0].SCTs[0]
	// A log that broke its promise is accused of that, and no other is.
	broken := slices.ContainsFunc(s.Findings, func(f struct{ Rule string }) bool { return f.Rule == "log-promise-broken" })
	if want := s.Inclusion == "denied" || s.Inclusion == "absent"; broken != want {
		t.Errorf("%s: findings %+v, want log-promise-broken: %v", s.Inclusion, s.Findings, want)
	}
	return s.Signature, s.Inclusion, s.Index
}

func testProve(t *testing.T, h *lab.Lab, l *Log) {
	der, err := l.Precertificate(h, "proven.grid.example")
	if err != nil {
		t.Fatal(err)
	}
	waitSize(t, l, gridSize+1)
	if signature, inclusion, index := proveOne(t, 0, l, l.Monitor, der, h.Intermediate.DER); signature != "ok" || inclusion != "included" || index == nil || *index != gridSize {
		t.Errorf("SCT of the log: %s, %s, index %v, want ok, included, %d", signature, inclusion, index, gridSize)
	}
	// The same SCT in another certificate.
	other := template(h, "other.grid.example")
	other.Set(lab.EmbedSCTs(sctOf(t, der)))
	if signature, inclusion, _ := proveOne(t, 1, l, l.Monitor, other.Sign(h.Intermediate.Key, ""), h.Intermediate.DER); signature != "bad-signature" || inclusion != "" {
		t.Errorf("grafted SCT: %s, %s, want bad-signature", signature, inclusion)
	}
	for _, c := range []struct {
		name  string
		age   time.Duration
		index uint64 // of tiled logs
		code  int
		want  map[string]string
	}{
		{"promised and never kept", 72 * time.Hour, gridSize + 100, 1, map[string]string{RFC6962: "denied", StaticCT: "denied"}},
		{"promised, another entry stands there", 72 * time.Hour, 3, 1, map[string]string{RFC6962: "denied", StaticCT: "absent"}},
		{"promised just now", time.Minute, gridSize + 100, 3, map[string]string{RFC6962: "pending", StaticCT: "pending"}},
	} {
		der := l.promise(t, h, time.Now().Add(-c.age), c.index, "promised.grid.example")
		if signature, inclusion, _ := proveOne(t, c.code, l, l.Monitor, der, h.Intermediate.DER); signature != "ok" || inclusion != c.want[l.Protocol] {
			t.Errorf("%s: %s, %s, want ok, %s", c.name, signature, inclusion, c.want[l.Protocol])
		}
	}
}

// sctOf is the one SCT in a certificate.
func sctOf(t *testing.T, der []byte) []byte {
	t.Helper()
	c, err := ctx509.ParseCertificate(der)
	if err != nil && ctx509.IsFatal(err) || len(c.SCTList.SCTList) != 1 {
		t.Fatalf("reading SCT: %v", err)
	}
	return c.SCTList.SCTList[0].Val
}

// promise issues a certificate with an SCT that the log's key signed, and that
// the log knows nothing of.
func (l *Log) promise(t *testing.T, h *lab.Lab, at time.Time, index uint64, name string) []byte {
	t.Helper()
	tmpl := template(h, name)
	pre := tmpl.Clone()
	pre.Set(poison)
	var chain []*ctx509.Certificate
	for _, der := range [][]byte{pre.Sign(h.Intermediate.Key, ""), h.Intermediate.DER} {
		c, err := ctx509.ParseCertificate(der)
		if err != nil && ctx509.IsFatal(err) {
			t.Fatal(err)
		}
		chain = append(chain, c)
	}
	leaf, err := ct.MerkleTreeLeafFromChain(chain, ct.PrecertLogEntryType, uint64(at.UnixMilli()))
	if err != nil {
		t.Fatal(err)
	}
	sct := ct.SignedCertificateTimestamp{SCTVersion: ct.V1, Timestamp: leaf.TimestampedEntry.Timestamp}
	if l.Protocol == StaticCT {
		sct.Extensions = leafIndex(index)
	}
	input, err := ct.SerializeSCTSignatureInput(sct, ct.LogEntry{Leaf: *leaf})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := tls.CreateSignature(*l.private(), tls.SHA256, input)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := tls.Marshal(signed)
	if err != nil {
		t.Fatal(err)
	}
	tmpl.Set(lab.EmbedSCTs(sctBytes(l.ID(), sct.Timestamp, sct.Extensions, signature)))
	return tmpl.Sign(h.Intermediate.Key, "")
}

// testGrowth reads an old head of a log that has grown since, and whose partial
// tiles are gone.
func testGrowth(t *testing.T, h *lab.Lab, l *Log) {
	before := fetch(t, l.Monitor+l.HeadPath())
	_, old := search(t, 0, l, l.Monitor, "nothing.example")
	l.Fill(t, h, gridSize+1, 800)
	waitSize(t, l, 800)
	got, log := search(t, 0, l, l.Monitor, ".grid.example")
	if !log.Complete || log.Verified != 800 || len(got.Hits) != 800 {
		t.Errorf("after growth: %d hits, %+v, want 800", len(got.Hits), log)
	}
	if l.Protocol == StaticCT {
		waitGone(t, filepath.Join(l.Dir, "tile", "data", "002.p", fmt.Sprint(old.Head.Size-512)))
	}
	proxy := NewProxy(t, l, only(l.HeadPath(), replace(before)))
	got, log = search(t, 0, l, proxy.URL, ".grid.example")
	if !log.Complete || log.Verified != old.Head.Size || uint64(len(got.Hits)) != old.Head.Size {
		t.Errorf("head of before growth: %d hits, %+v, want %d", len(got.Hits), log, old.Head.Size)
	}
	if l.Protocol == StaticCT && proxy.Calls("tile/data/002") == 0 {
		t.Error("the full tile was never asked for: the test tests nothing")
	}
}

func waitGone(t *testing.T, name string) {
	t.Helper()
	for range 1800 {
		if _, err := os.Stat(name); os.IsNotExist(err) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("Tessera did not remove %s", name)
}
