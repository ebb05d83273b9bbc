// Package crash ends the program well when a goroutine panics. Go would exit with 2, which is another failure's code.
//
// The rules are: every goroutine and timer of ours starts with [Guard], which a test enforces. The program says by
// [OnPanic] what a panic does; in other programs it does what it always does.
package crash

import "sync/atomic"

var handler atomic.Pointer[func(problem any)]

// OnPanic has handle called, in its goroutine, for a panic of a guarded function; handle must not return. With nil the
// panic takes its course.
func OnPanic(handle func(problem any)) {
	if handle == nil {
		handler.Store(nil)
		return
	}
	handler.Store(&handle)
}

// Guard returns f, to be started as a goroutine.
func Guard(f func()) func() {
	return func() {
		defer Catch()
		f()
	}
}

// Catch handles a panic. It is to be deferred in functions that goroutines of other packages call, such as a Write.
func Catch() {
	if handle := handler.Load(); handle != nil {
		if problem := recover(); problem != nil {
			(*handle)(problem)
		}
	}
}
