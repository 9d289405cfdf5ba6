// Package e2e tests the built binary against real servers: nginx with an honest
// hierarchy, a dozen interceptors in front of it, and a server of every protocol
// that carries TLS.
//
// The tests skip, visibly, unless CERTASSAY_E2E=1 is set and the programs are
// there; in CI a skip counts as a failure. They need no hosts file and no network
// but loopback; postfix, dovecot, vsftpd and xrdp have to be started by root. Each
// server gets a free port, a directory of its own,
// and is ended by its own process id. What each interceptor gives away without
// any setting that would change it is written down beside its test.
package e2e
