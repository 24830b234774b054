// A clock that jumps from event to event (a binary heap by time).

export class Clock {
  #heap = [];
  now = 0;

  /** Calls `action` at `time` (seconds). */
  at(time, action) {
    const heap = this.#heap;
    heap.push({ time, action });
    for (let child = heap.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (heap[parent].time <= heap[child].time) break;
      [heap[parent], heap[child]] = [heap[child], heap[parent]];
      child = parent;
    }
  }

  after(seconds, action) {
    this.at(this.now + seconds, action);
  }

  /** Runs everything up to `end`. */
  runUntil(end) {
    while (this.#heap.length > 0 && this.#heap[0].time <= end) {
      const { time, action } = this.#take();
      this.now = time;
      action();
    }
    this.now = end;
  }

  #take() {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length > 0) {
      heap[0] = last;
      for (let parent = 0; ; ) {
        const left = 2 * parent + 1;
        const least = [left, left + 1].filter((child) => child < heap.length).reduce((a, b) => (heap[b].time < heap[a].time ? b : a), parent);
        if (least === parent) break;
        [heap[parent], heap[least]] = [heap[least], heap[parent]];
        parent = least;
      }
    }
    return first;
  }
}
