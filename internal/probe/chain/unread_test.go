package chain

import (
	"bytes"
	"testing"

	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/trust"
)

// Public CAs have issued certificates that crypto/x509 cannot read. Nobody verified a
// path for these, and yet the root at the end of it is no stranger's.
func TestUnreadableLeafThatARootVouchesFor(t *testing.T) {
	twice := func(m *made) { m.leaf.Extensions = append(m.leaf.Extensions, lab.SKI(lab.LeafKey().ID)) }
	ecdsaSHA256 := []byte{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02}
	for _, tt := range []struct {
		name   string
		change func(*made)
		alter  func([]byte)
		judged bool
	}{
		{name: "as issued"},
		{name: "signed by a stranger", change: func(m *made) { m.midKey = lab.ForgedKey() }, judged: true},
		{name: "another algorithm outside", judged: true, alter: func(leaf []byte) {
			leaf[bytes.LastIndex(leaf, ecdsaSHA256)+len(ecdsaSHA256)-1]++
		}},
		{name: "an issuer that is no CA", change: func(m *made) { m.mid.Set(lab.Basic(false, -1)) }, judged: true},
		{name: "names out of bounds", change: func(m *made) { m.mid.Set(names([]tree{dnsTree("elsewhere.example")}, nil)) }, judged: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := honest()
			twice(m)
			chain, root := m.served()
			if tt.change != nil {
				tt.change(m)
				chain = [][]byte{m.leaf.Sign(m.midKey, ""), m.mid.Sign(m.rootKey, "")}
			}
			if tt.alter != nil {
				tt.alter(chain[0])
			}
			in := input(t, trust.Options{Programs: owners(root).Sets}, chain...)
			in.Name = "time.certassay.org"
			if in.Parsed(in.Certificates[0]) != nil {
				t.Fatal("crypto/x509 reads the leaf: the test shows nothing")
			}
			reasons := map[string]string{}
			f := Chain(in, reasons)
			if f.Anchor != "none" || f.VerifyError != reasonUnreadable {
				t.Errorf("anchor %s (%s), want none (unreadable): no library verified it", f.Anchor, f.VerifyError)
			}
			if got := f.AnchorExpected != nil; got != tt.judged {
				t.Errorf("a root is expected: known %v, want %v (%s)", got, tt.judged, tell(f))
			}
			if told := reasons["chain.anchor_expected"] != ""; told == tt.judged {
				t.Errorf("reason %q", reasons["chain.anchor_expected"])
			}
		})
	}
}
