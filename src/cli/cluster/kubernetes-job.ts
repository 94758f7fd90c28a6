import { basename } from "node:path";
import { shellWord, type ShardedSweep } from "./shards.js";

/** What of the job is the cluster's. */
export interface KubernetesOptions {
  readonly name: string;
  readonly image: string;
  /** The claim of the volume that all pods share; the plan lies in it, and the rows go there. */
  readonly claim: string;
  /** Where pods see it. */
  readonly mount: string;
}

/**
 * An indexed Job (batch/v1), one shard an index: the manifest for `kubectl apply -f`. Kubernetes names the pods of an index alike, so
 * that one that takes another's place finds its folder free, and goes on with its rows.
 */
export function kubernetesJob(
  { plan, tasks, gpu }: ShardedSweep,
  { name, image, claim, mount }: KubernetesOptions,
): object {
  const words = ["ssm-scope", "sweep", `${mount}/${basename(plan)}`, "-o", mount].map(shellWord).join(" ");
  const container = {
    name: "sweep",
    image,
    command: ["/bin/sh", "-c", `exec ${words} --shard "$((JOB_COMPLETION_INDEX + 1))/${tasks}" --resume`],
    volumeMounts: [{ name: "campaign", mountPath: mount }],
    ...(gpu && { resources: { limits: { "nvidia.com/gpu": 1 } } }),
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name },
    spec: {
      completionMode: "Indexed",
      completions: tasks,
      parallelism: tasks,
      template: {
        spec: {
          restartPolicy: "OnFailure",
          containers: [container],
          volumes: [{ name: "campaign", persistentVolumeClaim: { claimName: claim } }],
        },
      },
    },
  };
}
