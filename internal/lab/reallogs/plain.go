package reallogs

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/certificate-transparency-go/trillian/ctfe"
	"github.com/google/certificate-transparency-go/trillian/ctfe/configpb"
	"github.com/google/trillian"
	trillianclient "github.com/google/trillian/client"
	"github.com/google/trillian/crypto/keys"
	"github.com/google/trillian/crypto/keys/der"
	"github.com/google/trillian/crypto/keyspb"
	"github.com/google/trillian/extension"
	trillianlog "github.com/google/trillian/log"
	"github.com/google/trillian/monitoring"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/server/admin"
	"github.com/google/trillian/server/interceptor"
	"github.com/google/trillian/storage/memory"
	"github.com/google/trillian/util/clock"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/certassay/certassay/internal/lab"
)

// PlainPage is how many entries the RFC 6962 log gives at once.
const PlainPage = 100

// prepare sets what these libraries keep for the whole process.
var prepare = sync.OnceFunc(func() {
	keys.RegisterHandler(&keyspb.PrivateKey{}, der.FromProto)
	ctfe.MaxGetEntriesAllowed = PlainPage
})

// startPlain runs Trillian's log server and sequencer on storage in memory, and
// the CT front end before them.
func startPlain(ctx context.Context, t testing.TB, roots [][]byte) *Log {
	t.Helper()
	prepare()
	trees := memory.NewTreeStorage()
	registry := extension.Registry{
		AdminStorage:  memory.NewAdminStorage(trees),
		LogStorage:    memory.NewLogStorage(trees, monitoring.InertMetricFactory{}),
		QuotaManager:  quota.Noop(),
		MetricFactory: monitoring.InertMetricFactory{},
	}
	back := serveTrillian(t, registry)
	tree, err := trillianclient.CreateAndInitTree(ctx, &trillian.CreateTreeRequest{Tree: &trillian.Tree{
		TreeState: trillian.TreeState_ACTIVE, TreeType: trillian.TreeType_LOG, MaxRootDuration: durationpb.New(0),
	}}, trillian.NewTrillianAdminClient(back), trillian.NewTrillianLogClient(back))
	if err != nil {
		t.Fatalf("creating tree: %v", err)
	}
	sequencer := trillianlog.NewSequencerManager(registry, 0)
	go trillianlog.NewOperationManager(trillianlog.OperationInfo{
		Registry: registry, BatchSize: 5000, NumWorkers: 1, RunInterval: 50 * time.Millisecond, TimeSource: clock.System,
	}, sequencer).OperationLoop(ctx)

	l := &Log{Protocol: RFC6962, Key: lab.LeafKey(), roots: roots}
	mux := http.NewServeMux()
	for path, handler := range l.frontEnd(ctx, t, tree.TreeId, trillian.NewTrillianLogClient(back)) {
		mux.Handle(path, handler)
	}
	l.Submit = serve(t, mux) + "lab/"
	l.Monitor = l.Submit
	return l
}

func serveTrillian(t testing.TB, registry extension.Registry) *grpc.ClientConn {
	t.Helper()
	s := grpc.NewServer(grpc.UnaryInterceptor(interceptor.ErrorWrapper))
	trillian.RegisterTrillianAdminServer(s, admin.New(registry, nil))
	trillian.RegisterTrillianLogServer(s, server.NewTrillianLogRPCServer(registry, clock.System))
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(listener) }() // ends with Stop
	t.Cleanup(s.Stop)
	client, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func (l *Log) frontEnd(ctx context.Context, t testing.TB, tree int64, back trillian.TrillianLogClient) ctfe.PathHandlers {
	t.Helper()
	private, err := x509.MarshalECPrivateKey(l.private())
	if err != nil {
		t.Fatal(err)
	}
	packed, err := anypb.New(&keyspb.PrivateKey{Der: private})
	if err != nil {
		t.Fatal(err)
	}
	valid, err := ctfe.ValidateLogConfig(&configpb.LogConfig{
		LogId: tree, Prefix: "lab", RootsPemFile: []string{writeRoots(t, l.roots)}, PrivateKey: packed,
		PublicKey: &keyspb.PublicKey{Der: l.Key.SPKI}, ExtKeyUsages: []string{"Any"}, MaxMergeDelaySec: 86400, ExpectedMergeDelaySec: 1,
	})
	if err != nil {
		t.Fatalf("configuring front end: %v", err)
	}
	instance, err := ctfe.SetUpInstance(ctx, ctfe.InstanceOptions{
		Validated: valid, Client: back, Deadline: time.Minute,
		MetricFactory: monitoring.InertMetricFactory{}, RequestLog: new(ctfe.DefaultRequestLog),
	})
	if err != nil {
		t.Fatalf("starting front end: %v", err)
	}
	return instance.Handlers
}

func writeRoots(t testing.TB, roots [][]byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(name, encodePEM(roots...), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func encodePEM(certificates ...[]byte) (out []byte) {
	for _, der := range certificates {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return out
}
