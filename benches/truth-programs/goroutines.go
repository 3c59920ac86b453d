// Eight goroutines that allocate for 3 s and keep the last 80 of their slices.
package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

func work(end time.Time, done *sync.WaitGroup) {
	var kept [80][]byte
	for i := 0; time.Now().Before(end); i++ {
		slice := make([]byte, 20_000+(i*7919)%200_000)
		for at := range slice {
			slice[at] = 1
		}
		kept[i%len(kept)] = slice
		time.Sleep(time.Millisecond)
	}
	time.Sleep(300 * time.Millisecond)
	runtime.KeepAlive(&kept)
	done.Done()
}

func main() {
	fmt.Println("ready")
	time.Sleep(2 * time.Second)
	var done sync.WaitGroup
	for i := 0; i < 8; i++ {
		done.Add(1)
		go work(time.Now().Add(3*time.Second), &done)
	}
	done.Wait()
}
