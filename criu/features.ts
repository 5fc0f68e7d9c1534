/** What this kernel and CRIU can do beyond the ordinary dump, by CRIU's own word. */

import { create, isFieldSet } from "@bufbuild/protobuf";
import { RunoError } from "../core/error.ts";
import { type CriuFeatures, CriuFeaturesSchema, CriuReqSchema, CriuReqType } from "./gen/rpc_pb.ts";
import { ask } from "./session.ts";
import type { Criu } from "./version.ts";

/** A feature that can be asked for. */
export type Feature = "memTrack" | "lazyPages" | "pidfdStore";

interface About {
  /** runc's name of it. */
  readonly name: string;
  /** What cannot be done without. */
  readonly prevents: string;
  /** What the kernel must have. */
  readonly needs: string;
}

/** All of them. */
export const FEATURES: Readonly<Record<Feature, About>> = {
  memTrack: {
    name: "MemTrack",
    prevents: "checkpoint --pre-dump and --parent-path",
    needs: "a kernel with CONFIG_MEM_SOFT_DIRTY",
  },
  lazyPages: {
    name: "LazyPages",
    prevents: "checkpoint --lazy-pages and restore --lazy-pages",
    needs: "a kernel with CONFIG_USERFAULTFD, and vm.unprivileged_userfaultfd or root",
  },
  pidfdStore: {
    name: "PidfdStore",
    prevents: "the detection of reused process ids between two pre-dumps",
    needs: "Linux 5.6, for pidfd_getfd(2)",
  },
};

/** Whether each is there; undefined where this CRIU does not know of it. */
export function askFeatures(criu: Criu, wanted: readonly Feature[]): Readonly<Record<Feature, boolean | undefined>> {
  const features = Object.fromEntries(wanted.map((feature) => [feature, true]));
  const request = create(CriuReqSchema, { type: CriuReqType.FEATURE_CHECK, features });
  const answer = ask(criu.path, request).features;
  return {
    memTrack: answered(answer, "memTrack"),
    lazyPages: answered(answer, "lazyPages"),
    pidfdStore: answered(answer, "pidfdStore"),
  };
}

function answered(features: CriuFeatures | undefined, feature: Feature): boolean | undefined {
  if (features === undefined || !isFieldSet(features, CriuFeaturesSchema.field[feature])) return undefined;
  return features[feature];
}

/**
 * Insists on features. One counts as missing only when CRIU says that it is.
 * @throws {RunoError} `unsupported`, with runc's words
 */
export function needFeatures(criu: Criu, wanted: readonly Feature[], debug: (message: string) => void): void {
  if (wanted.length === 0) return;
  let answers: ReturnType<typeof askFeatures>;
  try {
    answers = askFeatures(criu, wanted);
  } catch (error) {
    throw new RunoError("CRIU feature check failed", { cause: error });
  }
  const missing = wanted.filter((feature) => answers[feature] === false);
  for (const feature of missing) debug(`CRIU does not support ${FEATURES[feature].name}`);
  if (missing.length === 0) return;
  const names = missing.map((feature) => FEATURES[feature].name).join(" ");
  throw new RunoError(`criu is missing features: [${names}]`, {
    kind: "unsupported",
    hint: `it takes ${missing.map((feature) => FEATURES[feature].needs).join(", and ")}`,
  });
}
