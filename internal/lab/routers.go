package lab

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// routers is a network of its own: a client at 192.0.2.1, three routers, a server at
// 203.0.113.2 on which nothing listens, four hops away. The first router takes
// port 443 of everybody to its own port 4443.
const routers = `
set -e
for n in r1 r2 r3 s; do unshare -n sleep 600 & eval "$n=$!"; done
trap 'kill $r1 $r2 $r3 $s' EXIT
here=$(readlink /proc/self/ns/net)
for pid in $r1 $r2 $r3 $s; do # until it has a network of its own
  while kill -0 $pid && [ "$(readlink /proc/$pid/ns/net)" = "$here" ]; do sleep 0.05; done
done
inside() { nsenter -t "$1" -n "${@:2}"; }
link() { # pid device address, pid device address
  ip link add "$2" type veth peer name "$5"
  ip link set "$5" netns "$4"
  if [ "$1" = self ]; then
    ip addr add "$3" dev "$2"; ip link set "$2" up
  else
    ip link set "$2" netns "$1"; inside "$1" ip addr add "$3" dev "$2"; inside "$1" ip link set "$2" up
  fi
  inside "$4" ip addr add "$6" dev "$5"; inside "$4" ip link set "$5" up
}
ip link set lo up
link self c0 192.0.2.1/30 $r1 a0 192.0.2.2/30
link $r1 a1 198.51.100.1/30 $r2 b0 198.51.100.2/30
link $r2 b1 198.51.100.5/30 $r3 e0 198.51.100.6/30
link $r3 e1 203.0.113.1/30 $s d0 203.0.113.2/30
for n in $r1 $r2 $r3 $s; do
  inside $n ip link set lo up
  inside $n sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
done
ip route add default via 192.0.2.2
inside $r1 ip route add default via 198.51.100.2
inside $r2 ip route add 192.0.2.0/30 via 198.51.100.1
inside $r2 ip route add 203.0.113.0/30 via 198.51.100.6
inside $r3 ip route add default via 198.51.100.5
inside $s ip route add default via 203.0.113.1
inside $r1 iptables -t nat -A PREROUTING -p tcp --dport 443 -j REDIRECT --to-ports 4443 2>/dev/null ||
inside $r1 nft 'add table ip n; add chain ip n p { type nat hook prerouting priority -100; }; add rule ip n p tcp dport 443 redirect to :4443' 2>/dev/null ||
echo NO REDIRECT
nsenter -t $r1 -n sh -c "$ON_ROUTER" >/dev/null 2>&1 &
helper=$!
trap 'kill $r1 $r2 $r3 $s $helper' EXIT
for _ in $(seq 600); do # until something listens on port 4443, which is 115B
  inside $r1 grep -qE '^ *[0-9]+: [0-9A-F]+:115B [0-9A-F]+:0000 0A ' /proc/net/tcp /proc/net/tcp6 && break
  kill -0 $helper || break
  sleep 0.1
done
sh -c "$ON_CLIENT"
`

// Routers runs two shell commands in a network of namespaces that reaches nothing
// else, one on the router that takes port 443 of 203.0.113.2 to its own port 4443
// (it has to exec, so that it can be ended), one on the client, and gives what the
// latter wrote. taken says whether that router could be made to. Where the system
// gives us no such network, which needs privileges or user namespaces, the output
// is that of the failure.
func Routers(t testing.TB, onRouter, onClient string) (out string, taken bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "unshare", "-rnm", "bash", "-c", routers)
	cmd.Env, cmd.WaitDelay = append(os.Environ(), "ON_ROUTER="+onRouter, "ON_CLIENT="+onClient, "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin"), 5*time.Second
	text, err := cmd.CombinedOutput()
	out = string(text)
	if err != nil {
		out += err.Error() // the client's exit status, or that of what failed
	}
	return out, !strings.Contains(out, "NO REDIRECT")
}
