package reallogs

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	ct "github.com/google/certificate-transparency-go"
	"github.com/google/certificate-transparency-go/tls"
	"github.com/google/certificate-transparency-go/trillian/ctfe"
	ctx509 "github.com/google/certificate-transparency-go/x509"
	"github.com/google/certificate-transparency-go/x509util"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/ctonly"
	"github.com/transparency-dev/tessera/storage/posix"

	"github.com/certassay/certassay/internal/lab"
)

// Origin is the name in the checkpoints of the tiled log.
const Origin = "tiled.lab.example/log"

// startTiled runs Tessera on a directory. Tree, tiles, sequencing, checkpoints
// and the removal of partial tiles are Tessera's; the submission before it checks
// chains with the code of the RFC 6962 front end; a file server serves the rest.
func startTiled(ctx context.Context, t testing.TB, roots [][]byte) *Log {
	t.Helper()
	l := &Log{Protocol: StaticCT, Key: lab.LeafKey(), Dir: logDirectory(t), roots: roots}
	driver, err := posix.New(ctx, posix.Config{Path: l.Dir})
	if err != nil {
		t.Fatal(err)
	}
	options := tessera.NewAppendOptions().WithCheckpointSigner(&noteSigner{l}).WithCTLayout().
		WithCheckpointInterval(200*time.Millisecond).WithBatching(256, 50*time.Millisecond).
		WithGarbageCollectionInterval(500 * time.Millisecond)
	appender, shutdown, _, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		t.Fatalf("starting Tessera: %v", err)
	}
	t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		_ = shutdown(ctx) // the log is thrown away
	})
	f := &submission{log: l, append: tessera.NewCertificateTransparencyAppender(appender), issuers: filepath.Join(l.Dir, "issuer")}
	if err := os.MkdirAll(f.issuers, 0o750); err != nil {
		t.Fatal(err)
	}
	pool := x509util.NewPEMCertPool()
	pool.AppendCertsFromPEM(encodePEM(roots...))
	f.valid = ctfe.NewCertValidationOpts(pool, time.Time{}, false, false, nil, nil, false, nil)
	mux := http.NewServeMux()
	mux.Handle("POST /log/ct/v1/add-chain", f.handle(false))
	mux.Handle("POST /log/ct/v1/add-pre-chain", f.handle(true))
	mux.Handle("GET /mon/", http.StripPrefix("/mon/", http.FileServer(http.Dir(l.Dir))))
	base := serve(t, mux)
	l.Submit, l.Monitor = base+"log/", base+"mon/"
	return l
}

// logDirectory makes the directory of a log, to be removed at the end. It is not
// t.TempDir: nothing waits for the goroutines of Tessera to end after their
// context did, and a file that one of them still writes makes the removal fail.
func logDirectory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "certassay-tiled-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			err := os.RemoveAll(dir)
			if err == nil {
				return
			}
			if time.Now().After(end) {
				t.Errorf("removing the log's directory: %v", err)
				return
			}
		}
	})
	return dir
}

// A submission is the part of a tiled log that takes chains and promises to log
// them.
type submission struct {
	log     *Log
	append  func(context.Context, *ctonly.Entry) tessera.IndexFuture
	valid   ctfe.CertValidationOpts
	issuers string
}

func (f *submission) handle(pre bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := f.add(r, pre)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(answer) // the client sees a cut answer
	}
}

func (f *submission) add(r *http.Request, pre bool) (*ct.AddChainResponse, error) {
	request, err := ctfe.ParseBodyAsJSONChain(r)
	if err != nil {
		return nil, err
	}
	chain, err := ctfe.ValidateChain(request.Chain, f.valid)
	if err != nil {
		return nil, err
	}
	if is, err := ctfe.IsPrecertificate(chain[0]); err != nil || is != pre {
		return nil, fmt.Errorf("a precertificate: %v, %w", is, err)
	}
	entry, err := f.entry(chain, pre)
	if err != nil {
		return nil, err
	}
	index, err := f.append(r.Context(), entry)()
	if err != nil {
		return nil, err
	}
	signed, err := tls.CreateSignature(*f.log.private(), tls.SHA256, entry.MerkleTreeLeaf(index.Index))
	if err != nil {
		return nil, err
	}
	signature, err := tls.Marshal(signed)
	if err != nil {
		return nil, err
	}
	id := f.log.ID()
	return &ct.AddChainResponse{
		SCTVersion: ct.V1, ID: id[:], Timestamp: entry.Timestamp, Signature: signature,
		Extensions: base64.StdEncoding.EncodeToString(leafIndex(index.Index)),
	}, nil
}

// leafIndex is the extension of an SCT that says where the entry is
// (c2sp.org/static-ct-api, section "SCT Extension").
func leafIndex(index uint64) []byte {
	return []byte{0, 0, 5, byte(index >> 32), byte(index >> 24), byte(index >> 16), byte(index >> 8), byte(index)}
}

func (f *submission) entry(chain []*ctx509.Certificate, pre bool) (*ctonly.Entry, error) {
	kind := ct.X509LogEntryType
	if pre {
		kind = ct.PrecertLogEntryType
	}
	leaf, err := ct.MerkleTreeLeafFromChain(chain, kind, uint64(time.Now().UnixMilli()))
	if err != nil {
		return nil, err
	}
	e := &ctonly.Entry{Timestamp: leaf.TimestampedEntry.Timestamp, IsPrecert: pre, Certificate: chain[0].Raw}
	if pre {
		e.Precertificate = chain[0].Raw
		e.Certificate = leaf.TimestampedEntry.PrecertEntry.TBSCertificate
		e.IssuerKeyHash = leaf.TimestampedEntry.PrecertEntry.IssuerKeyHash[:]
	}
	for _, c := range chain[1:] {
		sum := sha256.Sum256(c.Raw)
		e.FingerprintsChain = append(e.FingerprintsChain, sum)
		if err := f.keep(hex.EncodeToString(sum[:]), c.Raw); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// keep writes an issuer once; others may be writing the same.
func (f *submission) keep(name string, der []byte) error {
	path := filepath.Join(f.issuers, name)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	temporary, err := os.CreateTemp(f.log.Dir, "issuer-*")
	if err != nil {
		return err
	}
	if _, err := temporary.Write(der); err != nil {
		return err
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
