// Command realforgers is an intercepting proxy of the making of others: goproxy or
// martian, each with the settings of its own examples. The tests in
// internal/lab/e2e put it in front of a genuine server.
//
//	realforgers KIND ADDRESS CA.pem CA.key
package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/elazarl/goproxy"
	"github.com/google/martian/v3"
	"github.com/google/martian/v3/mitm"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "realforgers:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 4 {
		return errors.New("usage: realforgers goproxy|martian ADDRESS CA.pem CA.key")
	}
	ca, err := tls.LoadX509KeyPair(args[2], args[3])
	if err != nil {
		return fmt.Errorf("loading the CA: %w", err)
	}
	listener, err := net.Listen("tcp", args[1])
	if err != nil {
		return err
	}
	switch args[0] {
	case "goproxy":
		return http.Serve(listener, withGoproxy(&ca)) //nolint:gosec // G114: ended by the test
	case "martian":
		return withMartian(listener, &ca)
	}
	return fmt.Errorf("unknown interceptor %q", args[0])
}

// withGoproxy makes a certificate for the host in CONNECT; the ClientHello is not
// read.
func withGoproxy(ca *tls.Certificate) http.Handler {
	proxy := goproxy.NewProxyHttpServer()
	proxy.Logger = log.New(io.Discard, "", 0)
	mitmAll := &goproxy.ConnectAction{Action: goproxy.ConnectMitm, TLSConfig: goproxy.TLSConfigFromCA(ca)}
	proxy.OnRequest().HandleConnectFunc(func(host string, _ *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) {
		return mitmAll, host
	})
	return proxy
}

// withMartian makes a certificate for the name in the ClientHello, and for the host
// in CONNECT where there is none.
func withMartian(listener net.Listener, ca *tls.Certificate) error {
	config, err := mitm.NewConfig(ca.Leaf, ca.PrivateKey)
	if err != nil {
		return fmt.Errorf("setting up martian: %w", err)
	}
	proxy := martian.NewProxy()
	defer proxy.Close()
	proxy.SetMITM(config)
	return proxy.Serve(listener)
}
