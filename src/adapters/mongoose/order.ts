let latestOrder = 0

/**
 * Microseconds, increased by one if two documents fall into the same one, so that the order is that in which this node
 * adds them.
 */
export function nextOrder(): number {
  latestOrder = Math.max(Date.now() * 1000, latestOrder + 1)
  return latestOrder
}
