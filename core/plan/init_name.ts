/** What init is called as long as it is runo's: the plan sets it, and the status of a container is read from it. */

/** The name of an init that has not executed its program yet. */
export const INIT_NAME = "runo:[2:INIT]";
