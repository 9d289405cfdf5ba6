package ctindex

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certassay/certassay/internal/lab"
)

// ders are two certificates.
func ders() [][]byte {
	l := lab.New(lab.Config{})
	return [][]byte{l.Leaf, l.Intermediate.DER}
}

func quick() Options {
	return Options{Timeout: time.Minute, Total: 2 * time.Minute, Pause: -1, Retries: -1}
}

// find asks an index that answers as handle does.
func find(t *testing.T, kind, domain string, o Options, handle http.HandlerFunc) ([][]byte, error) {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	x, err := Parse(kind + "=" + s.URL + "/base?key=geheim")
	if err != nil {
		t.Fatal(err)
	}
	got, err := x.Find(t.Context(), domain, o)
	if strings.Contains(fmt.Sprint(x, x.ID(), err), "geheim") {
		t.Errorf("%v: %v shows the key", x, err)
	}
	return got, err
}

func row(id int, der []byte) string {
	return fmt.Sprintf(`{"id":"%d","cert_der":%q}`, id, base64.StdEncoding.EncodeToString(der))
}

func TestCrtSh(t *testing.T) {
	want := ders()
	var asked []string
	got, err := find(t, CrtSh, ".lab.example", quick(), func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/base" || r.FormValue("key") != "geheim" {
			t.Errorf("asked for %s", r.URL)
		}
		switch q := r.FormValue("q"); {
		case q != "":
			asked = append(asked, q)
			fmt.Fprint(w, `[{"id":1,"issuer_name":"CN=x"},{"id":2},{"id":1}]`)
		case r.FormValue("d") == "1":
			_, _ = w.Write(want[0])
		default:
			_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: want[1]})
		}
	})
	if err != nil || !cmp.Equal(got, want) || !slices.Equal(asked, []string{"lab.example", "%.lab.example"}) {
		t.Errorf("Find = %d certificates, %v, asked %q", len(got), err, asked)
	}
}

func TestCertSpotter(t *testing.T) {
	want := ders()
	got, err := find(t, CertSpotter, ".lab.example", quick(), func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/base/v1/issuances" || r.FormValue("domain") != "lab.example" || r.FormValue("include_subdomains") != "true" {
			t.Errorf("asked for %s", r.URL)
		}
		switch r.FormValue("after") {
		case "":
			fmt.Fprintf(w, "[%s]", row(1, want[0]))
		case "1":
			fmt.Fprintf(w, `[{"id":"2","cert":{"data":%q}}]`, base64.StdEncoding.EncodeToString(want[1]))
		default:
			fmt.Fprint(w, "[]")
		}
	})
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("Find = %d certificates, %v", len(got), err)
	}
}

// Whatever is wrong with an answer is said, and what came before it is kept.
func TestFaults(t *testing.T) {
	der := ders()[0]
	text := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s) }
	}
	endless := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(bytes.Repeat([]byte(" "), 1<<20)); err != nil {
				return
			}
		}
	}
	n := 0
	for name, tt := range map[string]struct {
		handle http.HandlerFunc
		kinds  []string
		kept   int
		want   string
	}{
		"html":      {text("<html>busy</html>"), []string{CrtSh, CertSpotter}, 0, "HTML"},
		"garbage":   {text("\x00\xff"), []string{CrtSh, CertSpotter}, 0, "no JSON array"},
		"nothing":   {text(""), []string{CrtSh, CertSpotter}, 0, "no JSON array"},
		"null":      {text("null"), []string{CrtSh, CertSpotter}, 0, "no JSON array"},
		"error":     {text(`{"code":"rate_limited"}`), []string{CrtSh, CertSpotter}, 0, "no JSON array"},
		"two lists": {text("[][]"), []string{CrtSh, CertSpotter}, 0, "follow the list"},
		"no id":     {text(`[{}]`), []string{CrtSh, CertSpotter}, 0, "no id"},
		"cut off":   {text("[" + row(1, der) + ","), []string{CertSpotter}, 1, "row 2"},
		"circle":    {text("[" + row(1, der) + "]"), []string{CertSpotter}, 1, "circle"},
		"no bytes":  {text("[" + row(1, der) + `,{"id":"2"}]`), []string{CertSpotter}, 1, "no certificate"},
		"bad bytes": {text("[" + row(1, der) + "," + row(2, []byte("no")) + "]"), []string{CertSpotter}, 1, "no certificate"},
		"endless":   {endless, []string{CrtSh, CertSpotter}, 0, "more than 33554432 bytes"},
		"too many": {func(w http.ResponseWriter, _ *http.Request) {
			all := ders()
			fmt.Fprintf(w, "[%s,%s]", row(1, all[0]), row(2, all[1]))
		}, []string{CertSpotter}, 1, "more than 1 certificates"},
		"too many pages": {func(w http.ResponseWriter, _ *http.Request) {
			n++
			fmt.Fprintf(w, "[%s]", row(n, der))
		}, []string{CertSpotter}, 1, "more than 1000 pages"},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://localhost:1/", http.StatusFound)
		}, []string{CrtSh, CertSpotter}, 0, "redirect"},
		"silent":  {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, []string{CertSpotter}, 0, "Timeout"},
		"missing": {http.NotFound, []string{CrtSh, CertSpotter}, 0, "404"},
		"too busy": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		}, []string{CrtSh, CertSpotter}, 0, "left alone for 1h0m0s"},
		"no certificate": {func(w http.ResponseWriter, r *http.Request) {
			if r.FormValue("d") == "" {
				fmt.Fprint(w, `[{"id":7}]`)
			}
		}, []string{CrtSh}, 0, "certificate 7"},
	} {
		for _, kind := range tt.kinds {
			o := quick()
			o.Certificates = 1
			if name == "silent" {
				o.Timeout = time.Second
			}
			got, err := find(t, kind, ".lab.example", o, tt.handle)
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(got) != tt.kept {
				t.Errorf("%s, %s: Find = %d certificates, %v; want %d and an error with %q", kind, name, len(got), err, tt.kept, tt.want)
			}
		}
	}
}

// A row or certificate that cannot be read does not hide those behind it, and is
// said.
func TestGoesOn(t *testing.T) {
	all := ders()
	for _, kind := range []string{CrtSh, CertSpotter} {
		got, err := find(t, kind, ".lab.example", quick(), func(w http.ResponseWriter, r *http.Request) {
			switch {
			case kind == CertSpotter && r.FormValue("after") == "":
				fmt.Fprintf(w, `[%s,{"id":"8"},7,%s]`, row(1, []byte("odd")), row(2, all[0]))
			case kind == CertSpotter && r.FormValue("after") == "2":
				fmt.Fprintf(w, "[%s,%s]", row(3, all[1]), row(4, []byte("odd")))
			case kind == CertSpotter:
				fmt.Fprint(w, "[]")
			case r.FormValue("d") == "":
				fmt.Fprint(w, `[{"id":5},{},{"id":6},{"id":7}]`)
			case r.FormValue("d") == "5":
				http.NotFound(w, r)
			case r.FormValue("d") == "6":
				w.Write(all[0])
			default:
				w.Write(all[1])
			}
		})
		if err == nil || len(got) != 2 {
			t.Errorf("%s: Find = %d certificates, %v; want 2, and what was wrong", kind, len(got), err)
		}
	}
}

// An index that asks for a pause gets it, where it is short.
func TestRetryAfter(t *testing.T) {
	asked := 0
	o := quick()
	o.Retries = 1
	got, err := find(t, CertSpotter, "lab.example", o, func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		fmt.Fprint(w, "[]")
	})
	if err != nil || len(got) > 0 || asked != 2 {
		t.Errorf("Find = %d certificates, %v after %d requests", len(got), err, asked)
	}
}

// No decoder gives a certificate that the answer does not hold, or more than the
// limits allow.
func FuzzDecode(f *testing.F) {
	all := ders()
	f.Add([]byte("[" + row(1, all[0]) + "," + row(2, all[1]) + "]"))
	f.Add([]byte(`[{"id":1},{"id":18446744073709551615}]`))
	f.Add(all[0])
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: all[1]}))
	f.Add([]byte(`<html>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		found, err := decodeIssuances(body)
		var rows []any
		if jsonErr := json.Unmarshal(body, &rows); err == nil && (jsonErr != nil || len(found) != len(rows)) {
			t.Fatalf("%d certificates of %d rows without an error, %v", len(found), len(rows), jsonErr)
		}
		for i, one := range found {
			if len(one.der) > maxCertificate || len(one.id) > maxID || i >= maxItems {
				t.Fatalf("row %d is beyond the limits", i)
			}
			if err == nil && !holds(rows[i], one.der) {
				t.Fatalf("row %d does not hold its certificate", i)
			}
		}
		if ids, _ := decodeIDs(body); len(ids) > len(body) || len(ids) > maxItems {
			t.Fatalf("%d ids of %d bytes", len(ids), len(body))
		}
		if der, err := decodeCertificate(body); err == nil {
			block, _ := pem.Decode(body)
			if len(der) > maxCertificate || !bytes.Equal(der, body) && (block == nil || !bytes.Equal(der, block.Bytes)) {
				t.Fatal("a certificate that the answer does not hold")
			}
		} else if !errors.Is(err, ErrAnswer) && !errors.Is(err, ErrTooMuch) {
			t.Fatal(err)
		}
	})
}

// holds says that a string somewhere in v is the certificate in base64.
func holds(v any, der []byte) bool {
	switch v := v.(type) {
	case string:
		got, err := base64.StdEncoding.DecodeString(v)
		return err == nil && bytes.Equal(got, der)
	case map[string]any:
		for _, x := range v {
			if holds(x, der) {
				return true
			}
		}
	}
	return false
}
