module countersign.dev/go-verifier

go 1.22
