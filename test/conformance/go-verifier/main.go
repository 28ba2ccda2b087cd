// Command go-verifier is a second verifier of Countersign evidence. It shares no code with the first one and uses the
// standard library only, so that what both of them say does not rest on one reading of the formats.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// refusal is how a check ends the verification: it is thrown by refuse and caught by run, and by nothing else.
type refusal string

func refuse(code string) { panic(refusal(code)) }

func require(ok bool, code string) {
	if !ok {
		refuse(code)
	}
}

// as gives one code to whatever goes wrong inside.
func as(code string, check func()) {
	defer func() {
		if r := recover(); r != nil {
			_, isRefusal := r.(refusal)
			if !isRefusal {
				panic(r)
			}
			refuse(code)
		}
	}()
	check()
}

var indeterminate = []string{"CONTENT_MISSING", "AUTHORITY_MISSING", "CLOCK_UNKNOWN", "LEDGER_UNREACHABLE"}

func run(check func()) (outcome string, exit int) {
	defer func() {
		switch code := recover().(type) {
		case nil:
			outcome, exit = "VALID", 0
		case refusal:
			outcome, exit = "REFUSED "+string(code), 1
			if slices.Contains(indeterminate, string(code)) {
				outcome, exit = "INDETERMINATE "+string(code), 3
			}
		default:
			// Some value was of another kind than its format says, in a place that closed does not reach.
			fmt.Fprintln(os.Stderr, code)
			outcome, exit = "REFUSED EVIDENCE_FORMAT", 1
		}
	}()
	check()
	return
}

type options struct {
	human, witnessed, allowDemo bool
	now                         time.Time
}

const usage = "usage: go-verifier evidence.json trust.json --level sealed|human|witnessed [--now TIME] [--allow-demo] [--schemas DIR]\n" +
	"       go-verifier --vectors DIR\n" +
	"       go-verifier --displays DIR SCHEMAS"

func main() {
	args := os.Args[1:]
	if len(args) == 2 && args[0] == "--vectors" {
		os.Exit(runVectors(args[1]))
	}
	if len(args) == 3 && args[0] == "--displays" {
		os.Exit(runDisplays(args[1], args[2]))
	}
	var files []string
	var o options
	for ; len(args) > 0; args = args[1:] {
		switch {
		case args[0] == "--allow-demo":
			o.allowDemo = true
		case args[0] == "--level" && len(args) > 1 && slices.Contains([]string{"sealed", "human", "witnessed"}, args[1]):
			o.human, o.witnessed = args[1] != "sealed", args[1] == "witnessed"
			args = args[1:]
		case args[0] == "--schemas" && len(args) > 1:
			tables = args[1]
			args = args[1:]
		case args[0] == "--now" && len(args) > 1:
			o.now = parseTime(args[1])
			args = args[1:]
		case !strings.HasPrefix(args[0], "--"):
			files = append(files, args[0])
		default:
			fail(usage)
		}
	}
	if len(files) != 2 {
		fail(usage)
	}
	outcome, exit := run(func() { verify(mustRead(files[0]), parseTrust(mustRead(files[1])), o) })
	fmt.Println(outcome)
	os.Exit(exit)
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(2)
}

func mustRead(path string) []byte {
	raw, err := os.ReadFile(path)
	if err != nil {
		fail(err.Error())
	}
	return raw
}

func parseTime(text string) time.Time {
	t, err := time.Parse("2006-01-02T15:04:05.000Z", text)
	if err != nil {
		refuse("EVIDENCE_FORMAT")
	}
	return t
}

// runVectors prints what it makes of each vector in a folder and its subfolders, one a line.
func runVectors(dir string) int {
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil || len(paths) == 0 {
		fail("no vectors in " + dir)
	}
	slices.Sort(paths)
	for _, path := range paths {
		v, err := parseJSON(mustRead(path))
		vector, ok := v.(map[string]any)
		if err != nil || !ok {
			fail(path + ": not a vector")
		}
		name, _ := filepath.Rel(dir, path)
		class := ""
		outcome, exit := run(func() { class = verifyVector(vector) })
		if exit == 0 && class != "" {
			outcome += " " + class
		}
		fmt.Printf("%s\t%s\n", filepath.ToSlash(name), outcome)
	}
	return 0
}

// verifyVector answers the class of a signature or the model of an attestation that stands alone, and nothing of other vectors.
func verifyVector(vector object) (class string) {
	if told, isAttestation := vector["attestation"]; isAttestation {
		shown := attested(told, objectOf(vector["statement"]), parseTime(text(vector, "at")))
		return text(shown, "model") + " " + text(shown, "root")
	}
	if text, isTrust := vector["trust"].(string); isTrust {
		parseTrust([]byte(text))
		return ""
	}
	if proof, isProof := vector["proof"]; isProof {
		return verifySSHVector(proof, objectOf(vector["expected"]))
	}
	o := options{human: vector["level"] != "sealed", witnessed: vector["level"] == "witnessed", allowDemo: vector["allow_demo"] == true}
	if now, ok := vector["now"].(string); ok {
		o.now = parseTime(now)
	}
	evidence, _ := vector["evidence"].(string)
	verify([]byte(evidence), parseTrust([]byte(canonical(vector["trust"]))), o)
	return ""
}

// verifySSHVector judges a signature alone.
func verifySSHVector(proof any, expected object) string {
	credential := objectOf(expected["credential"])
	message, ok := decodeBase64url(text(expected, "message"))
	require(ok, "EVIDENCE_FORMAT")
	signed, isObject := proof.(object)
	require(isObject, "ASSERTION_INVALID")
	class, ok := verifySshsig(sshsigClaim{proof: signed, namespace: text(expected, "namespace"), message: string(message),
		credential: text(credential, "credential_id"), publicKey: text(credential, "public_key")})
	require(ok, "ASSERTION_INVALID")
	return class
}

// object reads members of parsed JSON, and refuses what is not there or of another kind.
type object = map[string]any

func text(o object, name string) string {
	s, ok := o[name].(string)
	require(ok, "EVIDENCE_FORMAT")
	return s
}

func integer(o object, name string) int64 {
	n, ok := o[name].(int64)
	require(ok, "EVIDENCE_FORMAT")
	return n
}

func list(o object, name string) []any {
	l, ok := o[name].([]any)
	require(ok, "EVIDENCE_FORMAT")
	return l
}

func objectOf(v any) object {
	o, ok := v.(object)
	require(ok, "EVIDENCE_FORMAT")
	return o
}

func objects(o object, name string) []object {
	var all []object
	for _, v := range list(o, name) {
		all = append(all, objectOf(v))
	}
	return all
}

// closed requires exactly these members; those that end in a question mark may be absent.
func closed(v any, names string) object {
	o, known := objectOf(v), 0
	for _, name := range strings.Fields(names) {
		bare := strings.TrimSuffix(name, "?")
		_, has := o[bare]
		require(has || bare != name, "EVIDENCE_FORMAT")
		if has {
			known++
		}
	}
	require(known == len(o), "EVIDENCE_FORMAT")
	return o
}

func same(a, b any) bool { return canonical(a) == canonical(b) }

func digest(tag, body string) string {
	sum := sha256.Sum256([]byte("countersign/" + tag + "/v1\n" + body))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func rawDigest(name string) [32]byte {
	raw, err := hex.DecodeString(strings.TrimPrefix(name, "sha256:"))
	isForm := strings.HasPrefix(name, "sha256:") && strings.ToLower(name) == name
	require(err == nil && len(raw) == 32 && isForm, "EVIDENCE_FORMAT")
	return [32]byte(raw)
}
