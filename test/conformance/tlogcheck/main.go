// tlogcheck puts transparency-log code that others wrote in front of a log in
// the layout of C2SP tlog-tiles. None of the checks is our own: Tessera's fsck,
// torchwood's client and proof verifier, the notes of x/mod and transparency-dev.
//
//	tlogcheck fsck  -url URL -vkey VKEY                     every bundle, tile and the root again (Tessera)
//	tlogcheck audit -url URL -policy FILE [-state FILE]     signatures, consistency with the last run, every entry (torchwood)
//	tlogcheck entry -url URL -policy FILE -index N -o FILE  fetch and check an entry, write it and its .tlog-proof (torchwood)
//	tlogcheck proof -policy FILE -entry FILE -proof FILE    verify a .tlog-proof offline (torchwood)
//	tlogcheck note  -vkey VKEY FILE                         open a signed note (x/mod, transparency-dev/formats)
//
// URL is http(s):// or file:///dir. Exit status: 0 holds, 1 does not, 2 called wrongly.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"

	"k8s.io/klog/v2"
)

type options struct {
	url, vkey, policy, state, entry, proof, out string
	index                                       int64
	args                                        []string
}

type facts map[string]any

var checks = map[string]func(context.Context, options) (facts, error){
	"fsck":  fsckLog,
	"audit": auditLog,
	"entry": fetchEntry,
	"proof": verifyProof,
	"note":  openNote,
}

func main() {
	if len(os.Args) < 2 || checks[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: tlogcheck fsck|audit|entry|proof|note [flags]")
		os.Exit(2)
	}
	var o options
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	flags.StringVar(&o.url, "url", "", "log URL")
	flags.StringVar(&o.vkey, "vkey", "", "verifier key of the log")
	flags.StringVar(&o.policy, "policy", "", "policy file")
	flags.StringVar(&o.state, "state", "", "file that keeps the last checkpoint seen")
	flags.StringVar(&o.entry, "entry", "", "file of an entry")
	flags.StringVar(&o.proof, "proof", "", ".tlog-proof file")
	flags.StringVar(&o.out, "o", "", "where to write the proof; the entry goes beside it")
	flags.Int64Var(&o.index, "index", 0, "index of the entry")
	_ = flags.Parse(os.Args[2:])
	o.args = flags.Args()
	quiet()
	said, err := checks[os.Args[1]](context.Background(), o)
	if err != nil {
		text := err.Error()
		if len(text) > 300 { // Tessera's fsck prints whole tiles.
			text = text[:300] + "…"
		}
		fmt.Fprintln(os.Stderr, "FAIL:", text)
		os.Exit(1)
	}
	said["check"] = os.Args[1]
	_ = json.NewEncoder(os.Stdout).Encode(said)
}

// quiet keeps what the libraries log off stderr, where a failure is told.
func quiet() {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	logging := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(logging)
	_ = logging.Set("logtostderr", "false")
	klog.SetOutput(io.Discard)
}
