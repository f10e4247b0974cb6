/**
 * How long after its last heartbeat the sweep leaves a note. The readers skip a note much earlier, by its heartbeat; a
 * node whose clock is wrong by less than this keeps its note.
 */
export const NODE_KEPT_SECONDS = 3600
