package e2e

import (
	"fmt"
	"testing"
)

// startPostfix runs smtpd behind Postfix's master, on a plain port and on one
// where TLS begins with the first byte. The master is started without "postfix
// start", which would leave it behind; it ends what is in its process group, so it
// has one of its own.
func startPostfix(t *testing.T, o origin, level string) (plain, wrapped string) {
	t.Helper()
	needRoot(t)
	postfix, setsid := lookup(t, "postfix"), lookup(t, "setsid")
	plain, wrapped = freePort(t), freePort(t)
	config := o.makeDir(t, "postfix-"+level)
	o.makeDir(t, "queue-"+level)
	give(t, o.makeDir(t, "data-"+level), "postfix")
	o.write(t, "postfix-"+level+"/main.cf", fmt.Sprintf(`
compatibility_level = 3.6
myhostname = %[2]s
queue_directory = %[1]s/queue-%[3]s
data_directory = %[1]s/data-%[3]s
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = %[1]s/postfix.log
maillog_file_prefixes = %[1]s
alias_maps =
local_recipient_maps =
alias_database =
smtpd_tls_security_level = %[3]s
smtpd_tls_chain_files = %[1]s/key.pem %[1]s/chain.pem
smtpd_tls_session_cache_database =
`, o.dir, host, level))
	o.write(t, "postfix-"+level+"/master.cf", fmt.Sprintf(`
127.0.0.1:%s inet n - n - - smtpd
127.0.0.1:%s inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
postlog unix-dgram n - n - 1 postlogd
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
rewrite unix - - n - - trivial-rewrite
`, plain, wrapped))
	run(t, o.dir, postfix, "-c", config, "check") // makes the queue
	start(t, o.dir, plain, setsid, "/usr/lib/postfix/sbin/master", "-c", config, "-d")
	return plain, wrapped
}

// mailPorts are where Dovecot listens.
type mailPorts struct{ imap, imaps, pop3, pop3s, sieve, lmtp string }

// startDovecot runs Dovecot with all protocols that it has.
func startDovecot(t *testing.T, o origin, ssl string) mailPorts {
	t.Helper()
	needRoot(t)
	dovecot := lookup(t, "dovecot")
	p := mailPorts{freePort(t), freePort(t), freePort(t), freePort(t), freePort(t), freePort(t)}
	o.write(t, "dovecot-"+ssl+".conf", fmt.Sprintf(`
base_dir = %[1]s/run-%[2]s
state_dir = %[1]s/state-%[2]s
log_path = /dev/stderr
protocols = imap pop3 lmtp sieve
listen = 127.0.0.1
ssl = %[2]s
ssl_cert = <%[1]s/chain.pem
ssl_key = <%[1]s/key.pem
ssl_min_protocol = TLSv1.2
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}
service imap-login {
  inet_listener imap {
    port = %[3]s
  }
  inet_listener imaps {
    port = %[4]s
  }
}
service pop3-login {
  inet_listener pop3 {
    port = %[5]s
  }
  inet_listener pop3s {
    port = %[6]s
  }
}
service managesieve-login {
  inet_listener sieve {
    port = %[7]s
  }
}
service lmtp {
  inet_listener lmtp {
    port = %[8]s
  }
}
`, o.dir, ssl, p.imap, p.imaps, p.pop3, p.pop3s, p.sieve, p.lmtp))
	start(t, o.dir, p.imap, dovecot, "-F", "-c", o.file("dovecot-"+ssl+".conf"))
	return p
}
