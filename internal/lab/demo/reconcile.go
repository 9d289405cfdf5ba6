package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 5280 section 4.2.1.2 defines key identifiers with it
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/cli"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/lab"
	"github.com/certassay/certassay/internal/lab/ctlog"
)

// zone is where the owner of the demo works.
const zone = "Asia/Shanghai"

// A town is all that the demo of reconciliation needs: a CA that logs what it
// issues, and a server.
type town struct {
	lab   *lab.Lab
	log   *ctlog.Log
	local *time.Location
}

func newTown(now time.Time) (*town, error) {
	local, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	t := &town{lab: lab.New(lab.Config{Host: host, At: now}), log: ctlog.New(lab.ForgedKey(), "lab.example/log", now), local: local}
	t.log.Indexed = false
	return t, nil
}

// at is a time of day so many days ago, where the owner works.
func (t *town) at(days, hour, minute int) time.Time {
	d := t.lab.At.In(t.local).AddDate(0, 0, -days)
	return time.Date(d.Year(), d.Month(), d.Day(), hour, minute, 0, 0, t.local).UTC()
}

// issue has the CA issue for names, log it, and give the chain. Without a key it
// is over the server's.
func (t *town) issue(begin time.Time, key *ecdsa.PrivateKey, names ...string) ([][]byte, error) {
	template := t.lab.LeafTemplate()
	template.Drop(lab.IDSCTs)
	template.NotBefore, template.NotAfter = begin, begin.AddDate(0, 0, 90)
	template.Subject, template.Serial = lab.Named("CN="+names[0]), lab.SerialOf(fmt.Sprint(begin, names))
	template.Set(lab.SAN(names...))
	if key != nil {
		spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			return nil, err
		}
		id := sha1.Sum(spki) //nolint:gosec // see above
		template.SPKI = spki
		template.Set(lab.SKI(id[:]))
	}
	pre := template.Clone()
	pre.Set(lab.Extension{ID: "1.3.6.1.4.1.11129.2.4.3", Critical: true, Value: []byte{5, 0}})
	ca := t.lab.Intermediate
	template.Set(lab.EmbedSCTs(lab.Log{Key: t.log.Key}.SCT(template, ca, begin)))
	leaf := template.Sign(ca.Key, "")
	tbs, err := ct.CertificateTBS(cert.Parse(leaf))
	if err != nil {
		return nil, err
	}
	t.log.AddPrecert(tbs, ca.Key.SPKI, pre.Sign(ca.Key, ""), begin, ca.DER)
	return [][]byte{leaf, ca.DER}, nil
}

// serveLog serves the log through RFC 6962 until the program ends.
func (t *town) serveLog() (address string, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	handler := t.log.Handler(nil)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/ct/v1/") {
			http.NotFound(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(ln) }() // it ends with the program
	return "http://" + ln.Addr().String() + "/", nil
}

// inventory is the owner's file.
func (t *town) inventory(port string) string {
	pin := sha256.Sum256(t.lab.Intermediate.Key.SPKI)
	return fmt.Sprintf(`version: 1
trust:
  lab: {roots: [root.pem]}
groups:
  - name: time service
    owner: ntp-team
    trust: [lab]
    targets:
      - {target: "https://%s:%s", address: 127.0.0.1}
    expect:
      issuers: ["sha256/%s"]
    domains: [".lab.example"]
    issuance: {timezone: %s, hours: "08:00-20:00", renew_after: 0.6}
`, host, port, base64.StdEncoding.EncodeToString(pin[:]), zone)
}

// A happening is a certificate that the CA of the demo issues.
type happening struct {
	what  string
	begin time.Time
	names []string
}

// reconcile shows how a certificate is found that nobody ordered.
func reconcile(now time.Time, out, errs io.Writer, more ...string) error {
	t, err := newTown(now.UTC().Truncate(time.Second))
	if err != nil {
		return err
	}
	served, err := t.issue(t.at(60, 10, 0), nil, host, "www."+host)
	if err != nil {
		return err
	}
	for _, h := range []happening{
		{"the owner's client renews, with a new key, in working hours", t.at(3, 9, 30), []string{host, "www." + host}},
		{"somebody else has the same CA issue, at night", t.at(2, 3, 12), []string{"login.lab.example"}},
	} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		if _, err := t.issue(h.begin, key, h.names...); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %s: %s\n", h.begin.In(t.local).Format("2 Jan 15:04"), h.what, strings.Join(h.names, ", "))
	}
	address, err := t.serveLog()
	if err != nil {
		return err
	}
	port, err := serve(&tls.Config{Certificates: []tls.Certificate{{Certificate: served, PrivateKey: t.lab.LeafKey.Signer}}})
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "certassay-demo-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "certassay.yaml")
	for name, text := range map[string][]byte{file: []byte(t.inventory(port)), filepath.Join(dir, "root.pem"): lab.PEM(t.lab.Root.DER)} {
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
	args := append([]string{"audit", "-c", file, "--online", "ct", "--ct-since", "720h",
		"--log", address + "=" + base64.StdEncoding.EncodeToString(t.log.Key.SPKI)}, more...)
	fmt.Fprintf(out, "\n%s:\n\n%s\n$ certassay %s\n\n", file, t.inventory(port), strings.Join(args, " "))
	code := cli.Run(context.Background(), args, cli.Streams{In: strings.NewReader(""), Out: out, Err: errs})
	fmt.Fprintf(out, "\nexit code %d\n", code)
	if code != 1 {
		return fmt.Errorf("want exit code 1: the certificate for login.lab.example has to be found")
	}
	return nil
}
