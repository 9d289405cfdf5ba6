package reallogs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/collect/ctlog"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/lab"
	lablog "github.com/certassay/certassay/internal/lab/ctlog"
)

// serveVariable makes this program the server of a sample: its time must not be
// counted as that of the reader.
const serveVariable = "REALLOGS_SERVE"

// sampleServer serves a sample from another process, through both protocols, and
// gives the address.
func sampleServer(b *testing.B, dir string) string {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), serveVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it was killed
	})
	var address string
	if _, err := fmt.Fscanln(out, &address); err != nil {
		b.Fatalf("starting the server of the sample: %v", err)
	}
	return address
}

// serveSample is the other process. It ends when it is killed.
func serveSample(dir string) error {
	l, err := loadSample(dir)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/ct/v1/", l.Handler(nil))
	mux.Handle("/", http.FileServer(http.Dir(dir)))
	mux.HandleFunc("/tile/data/", func(w http.ResponseWriter, r *http.Request) {
		b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(r.URL.Path)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Encoding", "gzip") // some readers unpack by this alone
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		_, _ = w.Write(b) // the reader may have gone
	})
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(os.Stdout, "http://%s/\n", listener.Addr()); err != nil {
		return err
	}
	return (&http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}).Serve(listener)
}

// openSample opens the tiles of a sample.
func openSample(address string, tiled bool) (ctlog.Source, error) {
	log := ct.NewLog("sample", lab.LeafKey().SPKI, tiled, address, "")
	return ctlog.Open(log, ctlog.Options{Private: true, Rate: 1e6, Timeout: time.Minute})
}

// loadSample makes a log in memory of its tiles.
func loadSample(dir string) (*lablog.Log, error) {
	s, err := openSample("file://"+filepath.ToSlash(dir), true)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	head, err := s.Head(ctx)
	if err != nil {
		return nil, err
	}
	issuers, err := sampleIssuers(dir)
	if err != nil {
		return nil, err
	}
	l := lablog.New(lab.LeafKey(), Origin, head.Time)
	coverage, err := s.Entries(ctx, head, 0, head.Size, func(_ uint64, e *ct.LogEntry) error {
		var chain [][]byte
		for _, f := range e.Fingerprints {
			chain = append(chain, issuers[f])
		}
		if e.Precert {
			l.AddPrecert(e.Signed, cert.Parse(chain[0]).SPKI, append([]byte(nil), e.Submitted...), e.Time(), chain...)
			return nil
		}
		l.Add(append([]byte(nil), e.Signed...), e.Time(), chain...)
		return nil
	})
	if err == nil && !coverage.Complete() {
		err = fmt.Errorf("reading sample: %v", coverage.Gaps)
	}
	return l, err
}

func sampleIssuers(dir string) (map[[32]byte][]byte, error) {
	out := map[[32]byte][]byte{}
	files, err := filepath.Glob(filepath.Join(dir, "issuer", "*"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		der, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		if sum := sha256.Sum256(der); hex.EncodeToString(sum[:]) == filepath.Base(f) {
			out[sum] = der
		}
	}
	return out, nil
}
