package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Metrics listens at an address, such as "127.0.0.1:9464", and answers /metrics
// with what write writes, until ctx ends. An address without a host is one of this
// machine only: metrics name what is watched. It gives the address that it listens
// at.
func Metrics(ctx context.Context, address string, write func(context.Context, io.Writer) error) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("listening for metrics: %w", err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return "", fmt.Errorf("listening for metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		if err := write(r.Context(), w); err != nil {
			http.Error(w, "the state cannot be read", http.StatusInternalServerError)
		}
	})
	server := &http.Server{
		Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() {
		defer stop()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			_ = listener.Close() // there is nobody to tell: scraping fails, and that is seen
		}
	}()
	return listener.Addr().String(), nil
}
