/**
 * Calls back once the end of what must be read has come into view. No clock is asked: only where the reader is.
 * A jump to the end of the page counts, since the sentinel then lies above.
 */
export function whenSeen(sentinel: HTMLElement, onSeen: () => void): void {
  const observer = new IntersectionObserver((changes) => {
    const isSeen = changes.some(
      ({ isIntersecting, boundingClientRect }) => isIntersecting || boundingClientRect.bottom < 0,
    );
    if (!isSeen || !sentinel.isConnected) return;
    observer.disconnect();
    onSeen();
  });
  observer.observe(sentinel);
}
