package archtest

// Module is the import path that the folders of the table hang below.
const Module = "github.com/certassay/certassay"

// A Row says what one folder may import of ours. In Folder and Imports a last
// element "*" stands for any single one; a row without a star wins over one with
// it. The zero Imports means: nothing of ours.
type Row struct {
	Folder  string
	Imports []string
	// Apart marks a folder that is no part of the program, being for tests or
	// for generating files: no file of the program may import it, and the
	// fences do not apply to it.
	Apart bool
}

// vocabulary is what collected evidence and conclusions are written in.
var vocabulary = []string{"internal/evidence", "internal/finding"}

// probing is what a probe may read: evidence, and the knowledge to understand it.
var probing = []string{"internal/evidence", "internal/cert", "internal/mtasts", "internal/ct", "internal/ocsp", "internal/crl", "internal/trust", "internal/facts", "internal/expect"}

// collecting is what a collector is made of.
var collecting = []string{"internal/target", "internal/evidence", "internal/collect", "internal/cert"}

// pipeline is everything that package audit joins.
var pipeline = []string{
	"internal/target", "internal/collect", "internal/collect/*", "internal/evidence",
	"internal/cert", "internal/ct", "internal/ocsp", "internal/crl", "internal/trust", "internal/facts", "internal/expect",
	"internal/probe", "internal/probe/*", "internal/probe/key/*", "internal/rule", "internal/finding",
	"internal/waive", "internal/report", "rules",
}

// rooms are the packages of the command line that package cli joins. Those that come
// first know nothing of the later ones.
var rooms = []string{
	"internal/cli/exit", "internal/cli/hint", "internal/cli/noun", "internal/cli/version", "internal/cli/stream", "internal/cli/wholefile", "internal/cli/call",
	"internal/cli/dest", "internal/cli/given", "internal/cli/fetched", "internal/cli/bundle", "internal/cli/logs", "internal/cli/servers", "internal/cli/inventories",
	"internal/cli/configs", "internal/cli/data", "internal/cli/history", "internal/cli/reports", "internal/cli/rules",
}

// commanding is what every command is made of.
var commanding = []string{
	"internal/cli/call", "internal/cli/exit", "internal/cli/hint", "internal/cli/noun", "internal/cli/stream", "internal/cli/version", "internal/cli/wholefile",
	"internal/audit", "internal/config", "internal/evidence", "internal/report",
}

// Table is section "Layout" of the design as data: who may import whom. Imports
// go one way, from the command line down to the vocabulary.
var Table = []Row{
	{Folder: "cmd/certassay", Imports: []string{"internal/cli"}},
	{Folder: "internal/cli", Imports: join(join(pipeline, "internal/audit", "internal/config", "internal/inventory", "internal/suggest", "internal/store", "internal/notify", "internal/watch", "internal/expect/*", "internal/parcel"), rooms...)},
	// How a command ends: exit codes, and the error that carries one.
	{Folder: "internal/cli/exit"},
	// What a person can do about an error or a warning, and how both are printed.
	{Folder: "internal/cli/hint", Imports: []string{"internal/report", "internal/rule"}},
	// Commands that only hold others, and what a mistyped word is answered.
	{Folder: "internal/cli/noun", Imports: []string{"internal/cli/hint", "internal/suggest"}},
	// The version of this program.
	{Folder: "internal/cli/version"},
	// Standard streams that know of failure and of interrupts.
	{Folder: "internal/cli/stream", Imports: []string{"internal/cli/exit"}},
	// Files that appear whole or not at all.
	{Folder: "internal/cli/wholefile"},
	// One call of the program: streams, environment, clock, SSH servers.
	{Folder: "internal/cli/call", Imports: []string{"internal/audit", "internal/config", "internal/collect/sshjump", "internal/cli/exit", "internal/cli/hint", "internal/cli/stream"}},
	// What a user gives a run to judge by, read from files.
	{Folder: "internal/cli/given", Imports: []string{"internal/cli/hint", "internal/config", "internal/collect/keystore", "internal/collect/localfile", "internal/ct", "internal/evidence", "internal/probe/key/known", "internal/rule", "internal/trust", "rules"}},
	// The directory of fetched data: its files, and what they say.
	{Folder: "internal/cli/fetched", Imports: []string{"internal/cli/given", "internal/cli/hint", "internal/ct", "internal/parcel", "internal/report", "internal/trust"}},
	// Where a command writes what it found: standard output or a file.
	{Folder: "internal/cli/dest", Imports: []string{"internal/cli/call", "internal/cli/wholefile"}},
	// Evidence bundles among the files that a user names.
	{Folder: "internal/cli/bundle", Imports: []string{"internal/collect/localfile", "internal/evidence"}},
	// Which logs a command asks, and how.
	{Folder: "internal/cli/logs", Imports: join(commanding, "internal/cli/fetched", "internal/cli/given", "internal/collect/ctlog", "internal/collect/sshjump", "internal/ct")},
	// Which servers a command asks, and how.
	{Folder: "internal/cli/servers", Imports: join(commanding, "internal/collect", "internal/collect/dns", "internal/collect/tlsdial", "internal/target")},
	// The inventory that a command works with: found, opened, chosen from.
	{Folder: "internal/cli/inventories", Imports: join(commanding, "internal/inventory", "internal/suggest")},
	// "certassay config".
	{Folder: "internal/cli/configs", Imports: join(commanding, "internal/cli/inventories", "internal/inventory")},
	// "certassay data".
	{Folder: "internal/cli/data", Imports: join(commanding, "internal/cli/fetched", "internal/cli/given", "internal/collect/fetch", "internal/ct", "internal/parcel", "internal/trust")},
	// "certassay history".
	{Folder: "internal/cli/history", Imports: join(commanding, "internal/cli/dest", "internal/store")},
	// "certassay report".
	{Folder: "internal/cli/reports", Imports: commanding},
	// "certassay rules".
	{Folder: "internal/cli/rules", Imports: join(commanding, "internal/cli/given", "internal/rule")},

	{Folder: "internal/config", Imports: []string{"internal/target", "internal/finding", "internal/suggest"}},
	{Folder: "internal/inventory", Imports: []string{"internal/target", "internal/finding", "internal/cert", "internal/trust", "internal/waive", "internal/expect", "internal/suggest"}},
	{Folder: "internal/audit", Imports: pipeline},

	{Folder: "internal/suggest"},
	{Folder: "internal/parcel"},
	{Folder: "internal/target", Imports: []string{"internal/suggest"}},
	{Folder: "internal/evidence"},
	{Folder: "internal/cert"},
	{Folder: "internal/expect"},
	{Folder: "internal/expect/*", Imports: []string{"internal/expect", "internal/cert", "internal/suggest"}},
	{Folder: "internal/mtasts"},
	{Folder: "internal/ocsp", Imports: []string{"internal/cert"}},
	{Folder: "internal/crl", Imports: []string{"internal/cert"}},
	{Folder: "internal/facts"},
	{Folder: "internal/finding"},
	{Folder: "internal/ct", Imports: []string{"internal/cert"}},
	{Folder: "internal/trust", Imports: []string{"internal/cert", "internal/ct", "internal/trust/disclosed"}},
	{Folder: "internal/trust/disclosed", Imports: []string{"internal/cert"}},
	{Folder: "internal/trust/disclosed/generate", Imports: []string{"internal/cert", "internal/trust", "internal/trust/disclosed"}, Apart: true},

	{Folder: "internal/collect", Imports: []string{"internal/target", "internal/evidence"}},
	{Folder: "internal/collect/*", Imports: collecting},
	{Folder: "internal/collect/fetch", Imports: join(collecting, "internal/parcel")},
	{Folder: "internal/collect/localfile", Imports: join(collecting, "internal/collect/keystore", "internal/collect/capture", "internal/collect/sensorlog")},
	// A recorded handshake is read as a live one is.
	{Folder: "internal/collect/capture", Imports: join(collecting, "internal/collect/tlsdial")},
	{Folder: "internal/collect/tlsdial", Imports: join(collecting, "internal/collect/starttls", "internal/collect/ntske", "internal/collect/quicdial", "internal/collect/sshjump", "internal/collect/hops", "internal/collect/neterr")},
	{Folder: "internal/collect/hops", Imports: join(collecting, "internal/collect/neterr")},
	{Folder: "internal/collect/neterr"},
	// Which policy is fetched stands in an answer.
	{Folder: "internal/collect/dns", Imports: join(collecting, "internal/collect/fetch", "internal/mtasts")},
	{Folder: "internal/collect/aia", Imports: join(collecting, "internal/collect/fetch", "internal/collect/localfile")},
	{Folder: "internal/collect/revocation", Imports: join(collecting, "internal/collect/fetch", "internal/ocsp", "internal/crl")},
	{Folder: "internal/collect/ctlog", Imports: join(collecting, "internal/collect/fetch", "internal/ct", "internal/trust")},

	{Folder: "internal/probe", Imports: probing},
	{Folder: "internal/probe/*", Imports: probing},
	// These take further what another family has established: who signed
	// whom, and what a name is.
	{Folder: "internal/probe/chain", Imports: join(probing, "internal/trust/disclosed", "internal/probe/name", "internal/probe/signature")},
	{Folder: "internal/probe/clock", Imports: join(probing, "internal/probe/name")},
	{Folder: "internal/probe/incident", Imports: join(probing, "internal/probe/signature")},
	{Folder: "internal/probe/intercept", Imports: join(probing, "internal/probe/signature")},
	{Folder: "internal/probe/issuance", Imports: join(probing, "internal/probe/signature")},
	{Folder: "internal/probe/revocation", Imports: join(probing, "internal/probe/signature")},
	{Folder: "internal/probe/path", Imports: join(probing, "internal/probe/name")},
	{Folder: "internal/probe/key", Imports: join(probing, "internal/probe/key/*")},
	{Folder: "internal/probe/corpus", Imports: join(probing, "internal/probe/key/batch", "internal/probe/name", "internal/probe/signature/forge")},
	{Folder: "internal/probe/key/*", Imports: probing},
	{Folder: "internal/probe/key/batch", Imports: []string{"internal/probe/key/weak"}},
	{Folder: "internal/probe/key/known/generate", Imports: []string{"internal/cert", "internal/probe/key/known"}, Apart: true},
	{Folder: "internal/probe/signature", Imports: join(probing, "internal/probe/signature/*")},
	{Folder: "internal/probe/signature/*", Imports: probing},
	{Folder: "internal/rule", Imports: []string{"internal/facts", "internal/finding", "internal/suggest"}},
	{Folder: "internal/waive", Imports: []string{"internal/finding", "internal/suggest"}},
	{Folder: "internal/store", Imports: []string{"internal/ct"}},
	{Folder: "internal/notify", Imports: []string{"internal/store"}},
	// It follows logs and keeps what they bring; what that means is said by a
	// function that it is handed.
	{Folder: "internal/watch", Imports: []string{"internal/collect/ctlog", "internal/store", "internal/cert", "internal/ct", "internal/evidence", "internal/finding", "internal/report"}},
	{Folder: "internal/report", Imports: vocabulary},
	{Folder: "rules"},

	{Folder: "internal/rule/generate", Imports: []string{"internal/rule", "internal/facts", "internal/finding", "rules"}, Apart: true},
	{Folder: "internal/trust/generate", Imports: []string{"internal/trust"}, Apart: true},
	{Folder: "internal/archtest", Apart: true},
	{Folder: "internal/lab", Apart: true},
	{Folder: "internal/lab/*", Imports: []string{"internal/lab"}, Apart: true},
	{Folder: "internal/lab/kill", Imports: []string{"internal/lab", "internal/lab/ctlog"}, Apart: true},
	{Folder: "internal/lab/demo", Imports: []string{"internal/lab", "internal/lab/ctlog", "internal/cli", "internal/cert", "internal/ct"}, Apart: true},
	{Folder: "internal/lab/limbo", Imports: []string{"internal/lab", "internal/audit", "internal/evidence", "internal/finding", "internal/report", "internal/rule", "internal/trust", "rules"}, Apart: true},
}

// A Fence keeps an import path, or one name of it, inside a few folders.
type Fence struct {
	// Path is the import path; a last element "..." stands for it and all
	// below it.
	Path string
	// Names are the exported names that are fenced; none means the whole
	// package.
	Names []string
	// Folders are those inside the fence, as in [Row]; none means nowhere.
	Folders []string
	// Instead tells a person what to do.
	Instead string
}

var collectors = []string{"internal/collect", "internal/collect/*"}

// telling is what carries notifications out: it posts to webhooks and starts the
// commands that a user names for them, and stands behind no evidence.
const telling = "internal/notify"

// jumping starts the user's own ssh, whose configuration, keys and known hosts no
// client of ours could take over whole.
const jumping = "internal/collect/sshjump"

var (
	useCollector = "only collectors touch the network: take evidence as an argument, or net/netip for addresses"
	passClock    = "take the time as an argument; only audit and collect read the clock"
	passEnviron  = "read the environment in internal/config and pass the value"
)

// Fences are the boundaries of the program. What stands behind evidence touches
// no network, disk, clock or environment, or a bundle could not be replayed.
var Fences = []Fence{
	{Path: "net", Folders: join(collectors, telling), Instead: useCollector},
	{Path: "net/http/...", Folders: join(collectors, telling), Instead: useCollector},
	{Path: "crypto/tls", Folders: collectors, Instead: useCollector},
	{Path: "github.com/quic-go/quic-go/...", Folders: collectors, Instead: useCollector},
	{Path: "golang.org/x/net/proxy", Folders: collectors, Instead: useCollector},
	{Path: "github.com/miekg/dns", Names: []string{"Client", "Conn", "Dial", "DialTimeout", "DialWithTLS", "Exchange", "ExchangeContext", "ExchangeConn", "Transfer", "Server", "ListenAndServe", "ClientConfigFromFile"}, Folders: collectors, Instead: useCollector},
	{Path: "github.com/zmap/zcrypto/tls", Folders: collectors, Instead: useCollector},
	{Path: "os/exec", Folders: []string{telling, jumping}, Instead: "this program starts no other, but for the user's ssh and the commands that a user wants to be notified by"},
	{Path: "plugin", Instead: "this program loads no code"},
	{Path: "math/rand", Instead: "use math/rand/v2 for jitter in a collector, crypto/rand otherwise"},
	{Path: "math/rand/v2", Folders: join(collectors, telling, "internal/watch"), Instead: "nothing but the jitter of a collector may be random"},
	{Path: "log", Instead: "return an error; what a person reads is written by internal/cli"},

	{Path: "cel.dev/cel-go/...", Folders: []string{"internal/rule"}, Instead: "judge in a rule file, compute facts in Go"},
	{Path: "github.com/google/cel-go/...", Instead: "use cel.dev/cel-go: this path is frozen at v0.31"},
	{Path: "go.yaml.in/yaml/...", Folders: []string{"internal/rule", "internal/config", "internal/inventory", "internal/waive", "internal/collect/localfile"}, Instead: "decode YAML at the boundary and pass a validated type"},
	{Path: "gopkg.in/yaml.v3", Instead: "use go.yaml.in/yaml/v4: this one is archived"},

	{Path: "os", Names: []string{"Exit"}, Folders: []string{"cmd/certassay"}, Instead: "return an error; main exits, once"},
	{Path: "syscall", Names: []string{"Exit", "Getenv", "Environ"}, Instead: "see the fences of package os"},
	{Path: "os", Names: []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}, Folders: []string{"internal/config"}, Instead: passEnviron},
	{Path: "time", Names: []string{"Now", "Since", "Until"}, Folders: join(collectors, "internal/audit"), Instead: passClock},
}

// TopLevel are the names that may stand at the top of the repository. Names that
// begin with a dot are allowed too.
var TopLevel = []string{
	"LICENSE", "README.md", "cmd", "go.mod", "go.sum", "internal", "rules", "testdata",
	// What builds leave behind; git ignores it.
	"certassay", "certassay.exe", "coverage.out", "dist",
}

// MainLines is how long cmd/certassay/main.go may be: signals, run and exit fit,
// anything that needs a test of its own does not.
const MainLines = 60

func join(folders []string, more ...string) []string {
	return append(append([]string(nil), folders...), more...)
}
