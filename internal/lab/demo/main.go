// Command demo shows certassay at work without network or configuration:
//
//	go run ./internal/lab/demo
//
// It starts two servers on loopback for the name time.lab.example, an honest one
// with a certificate of a laboratory CA, and an interceptor that makes its
// certificates on the fly, and has certassay audit both.
//
//	go run ./internal/lab/demo reconcile
//
// starts a server, a CT log, and a CA that logs all it issues: a renewal that the
// owner ordered, and a certificate that nobody ordered. certassay audits the
// owner's inventory and finds the latter. Further arguments are passed on to it.
//
// It is no part of certassay.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/certassay/certassay/internal/cli"
	"github.com/certassay/certassay/internal/lab"
)

const host = "time.lab.example"

func main() {
	demo := run
	if len(os.Args) > 1 && os.Args[1] == "reconcile" {
		demo = func() error { return reconcile(time.Now(), os.Stdout, os.Stderr, os.Args[2:]...) }
	}
	if err := demo(); err != nil {
		fmt.Fprintln(os.Stderr, "demo: error:", err)
		os.Exit(1)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "certassay-demo-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l := lab.New(lab.Config{Host: host, At: time.Now()})
	root := filepath.Join(dir, "root.pem")
	if err := os.WriteFile(root, lab.PEM(l.Roots()...), 0o644); err != nil {
		return err
	}
	honest, err := serve(&tls.Config{Certificates: []tls.Certificate{{Certificate: l.Chain(), PrivateKey: l.LeafKey.Signer}}})
	if err != nil {
		return err
	}
	forger, err := newInterceptor()
	if err != nil {
		return err
	}
	forged, err := serve(&tls.Config{GetCertificate: forger.mint})
	if err != nil {
		return err
	}
	args := []string{"scan", "--roots", root}
	for _, port := range []string{honest, forged} {
		args = append(args, "--resolve", host+":"+port+":127.0.0.1", host+":"+port)
	}
	fmt.Printf("An honest server listens on port %s, an interceptor on port %s.\n\n$ certassay %s\n\n", honest, forged, strings.Join(args, " "))
	code := cli.Run(context.Background(), args, cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	fmt.Printf("\nexit code %d\n", code)
	if code != 1 {
		return fmt.Errorf("want exit code 1: the interceptor has to be found")
	}
	return nil
}

// serve answers TLS on a free port of loopback until the program ends.
func serve(config *tls.Config) (port string, err error) {
	ln, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		return "", err
	}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
				_ = conn.(*tls.Conn).Handshake()
			}()
		}
	}()
	_, port, err = net.SplitHostPort(ln.Addr().String())
	return port, err
}

// An interceptor makes a certificate for whatever name it is asked for, under a
// CA of its own and with that CA's key, as several real ones do.
type interceptor struct {
	key *ecdsa.PrivateKey
	ca  *x509.Certificate
}

func newInterceptor() (*interceptor, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return &interceptor{key: key, ca: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Transit Filtering"}, CommonName: "Transit Filtering CA"},
	}}, nil
}

func (i *interceptor) mint(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: hello.ServerName}, DNSNames: []string{hello.ServerName},
		NotBefore: time.Now().AddDate(0, 0, -1), NotAfter: time.Now().AddDate(0, 0, 90),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, i.ca, &i.key.PublicKey, i.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: i.key}, nil
}
