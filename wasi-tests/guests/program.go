// program SCRIPT [ARG]: as program.rs, in Go and its library.
package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func files(dir string) {
	sub := filepath.Join(dir, "sub")
	check(os.MkdirAll(filepath.Join(sub, "deep"), 0o777))
	path, moved, copied := filepath.Join(sub, "text"), filepath.Join(sub, "moved"), filepath.Join(sub, "copy")
	check(os.WriteFile(path, []byte("one\ntwo\n"), 0o666))
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	check(err)
	_, err = file.WriteString("three\n")
	check(err)
	check(file.Close())
	file, err = os.OpenFile(path, os.O_RDWR, 0)
	check(err)
	_, err = file.Seek(4, io.SeekStart)
	check(err)
	_, err = file.WriteString("TWO")
	check(err)
	_, err = file.Seek(-6, io.SeekEnd)
	check(err)
	rest, err := io.ReadAll(file)
	check(err)
	fmt.Println("end", strings.TrimSpace(string(rest)))
	check(file.Truncate(8))
	check(file.Close())
	text, err := os.ReadFile(path)
	check(err)
	fmt.Printf("text %q\n", text)
	check(os.Rename(path, moved))
	check(os.WriteFile(copied, text, 0o666))
	entries, err := os.ReadDir(sub)
	check(err)
	fmt.Print("names")
	for _, entry := range entries {
		fmt.Print(" ", entry.Name())
	}
	info, err := os.Stat(copied)
	check(err)
	fmt.Printf("\nsize %d\n", info.Size())
	_, err = os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Println("missing Some(NotFound)")
	}
	check(os.Remove(moved))
	check(os.Remove(copied))
	check(os.Remove(filepath.Join(sub, "deep")))
	check(os.Remove(sub))
	_, err = os.Stat(sub)
	fmt.Println("left", err == nil)
}

func clock() {
	fmt.Println("after 2024", time.Now().Unix() > 1704067200)
	begun := time.Now()
	time.Sleep(20 * time.Millisecond)
	slept := time.Since(begun)
	fmt.Println("slept", slept >= 20*time.Millisecond && slept < 20*time.Second)
}

func random() {
	sums := make([]byte, 32)
	_, err := rand.Read(sums)
	check(err)
	fmt.Println("different", string(sums[:16]) != string(sums[16:]))
}

// Each connection is a goroutine's: they run only if nothing blocks the whole program, so the listener must be granted
// in non-blocking mode.
func serve(fd uintptr, count int) {
	listener, err := net.FileListener(os.NewFile(fd, ""))
	check(err)
	done := make(chan error)
	for served := 1; served <= count; served++ {
		stream, err := listener.Accept()
		check(err)
		go func() {
			line, err := bufio.NewReader(stream).ReadString('\n')
			if err == nil {
				body := fmt.Sprintf("%s is request %d\n", strings.TrimSpace(line), served)
				_, err = fmt.Fprintf(stream, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			}
			stream.Close()
			done <- err
		}()
		check(<-done)
	}
}

func main() {
	args := append(os.Args[1:], "", "", "")
	switch args[0] {
	case "files":
		files(args[1])
	case "clock":
		clock()
	case "random":
		random()
	case "serve":
		fd, err := strconv.Atoi(args[1])
		check(err)
		count, err := strconv.Atoi(args[2])
		check(err)
		serve(uintptr(fd), count)
	default:
		check(errors.New("program files DIR | clock | random | serve FD COUNT"))
	}
}
