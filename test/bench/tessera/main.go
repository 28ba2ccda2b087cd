// Command tessera measures the peer: Tessera's POSIX log, entries published under a signed checkpoint, with the
// settings that suit a small machine best (20 ms batches, 100 ms checkpoints). One JSON line on standard output.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"os"
	"sort"
	"sync"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func main() {
	seconds := flag.Int("seconds", 5, "how long to add entries")
	inFlight := flag.Int("in-flight", 256, "entries waited for at once")
	size := flag.Int("size", 1500, "bytes an entry")
	flag.Parse()

	dir := must(os.MkdirTemp("", "tessera-bench-"))
	defer os.RemoveAll(dir)
	skey, _, err := note.GenerateKey(rand.Reader, "bench.example/tessera")
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	driver := must(posix.New(ctx, posix.Config{Path: dir}))
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(must(note.NewSigner(skey))).
		WithBatching(uint(*inFlight), 20*time.Millisecond).
		WithCheckpointInterval(100 * time.Millisecond)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		panic(err)
	}
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 5*time.Millisecond)

	var mu sync.Mutex
	var latencies []float64
	var group sync.WaitGroup
	start := time.Now()
	stop := start.Add(time.Duration(*seconds) * time.Second)
	for worker := 0; worker < *inFlight; worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for time.Now().Before(stop) {
				data := make([]byte, *size)
				must(rand.Read(data))
				began := time.Now()
				if _, _, err := awaiter.Await(ctx, appender.Add(ctx, tessera.NewEntry(data))); err != nil {
					panic(err)
				}
				took := float64(time.Since(began).Microseconds()) / 1000
				mu.Lock()
				latencies = append(latencies, took)
				mu.Unlock()
			}
		}()
	}
	group.Wait()
	elapsed := time.Since(start).Seconds()
	_ = shutdown(ctx)
	sort.Float64s(latencies)
	must(0, json.NewEncoder(os.Stdout).Encode(map[string]any{
		"in_flight":     *inFlight,
		"entries":       len(latencies),
		"per_second":    float64(len(latencies)) / elapsed,
		"p50_ms":        latencies[len(latencies)/2],
		"p99_ms":        latencies[len(latencies)*99/100],
		"entry_bytes":   *size,
		"tessera":       "v1.0.4",
		"batch_ms":      20,
		"checkpoint_ms": 100,
	}))
}
