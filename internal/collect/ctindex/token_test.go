package ctindex

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// A token goes to a Cert Spotter alone, and whatever that answers, nothing of it is
// in what people read.
func TestToken(t *testing.T) {
	const token = "t0ken"
	for _, kind := range []string{CertSpotter, CrtSh} {
		o, sent := quick(), ""
		o.Token = token
		if _, err := find(t, kind, "lab.example", o, func(w http.ResponseWriter, r *http.Request) {
			sent = r.Header.Get("Authorization")
			fmt.Fprint(w, "[]")
		}); err != nil {
			t.Fatal(err)
		}
		if want := kind == CertSpotter; (sent == "Bearer "+token) != want || sent != "" && !want {
			t.Errorf("%s was sent %q", kind, sent)
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"refused": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, r.Header.Get("Authorization"), http.StatusUnauthorized)
		},
		"forbidden": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, r.Header.Get("Authorization"), http.StatusForbidden)
		},
		"no JSON": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Authorization")) },
		"as a field": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `[{"id":%q,"cert_der":%q}]`, r.Header.Get("Authorization"), r.Header.Get("Authorization"))
		},
		"redirected": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.2:1/"+token, http.StatusFound)
		},
	} {
		o := quick()
		o.Token = token
		_, err := find(t, CertSpotter, "lab.example", o, answer)
		if err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v, want an error without the token", name, err)
		}
		if wants := name == "refused" || name == "forbidden"; err != nil && strings.Contains(err.Error(), "may want a token") != wants {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTakesToken(t *testing.T) {
	for text, want := range map[string]bool{
		"certspotter=https://api.example": true, "certspotter=http://127.0.0.1:8080": true, "certspotter=http://[::1]": true,
		"certspotter=http://api.example": false, "certspotter=http://localhost": false, "crtsh=https://crt.example": false,
	} {
		x, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := x.TakesToken(); (err == nil) != want {
			t.Errorf("%s: %v, want taken %t", text, err, want)
		}
	}
}

// The index is asked through the proxy, which looks its name up.
func TestVia(t *testing.T) {
	asked := ""
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Host
		fmt.Fprint(w, "[]")
	}))
	t.Cleanup(proxy.Close)
	x, err := Parse("certspotter=http://index.example")
	if err != nil {
		t.Fatal(err)
	}
	o := quick()
	if o.Via, err = url.Parse(proxy.URL); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Find(t.Context(), "lab.example", o); err != nil || asked != "index.example" {
		t.Errorf("the proxy was asked for %q, %v", asked, err)
	}
}
