import { existsSync, readdirSync } from "node:fs";

/** The driver of SwiftShader, WebGPU on the processor, that Debian's Chromium brings. It proves function, not speed. */
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";
/** Where the Vulkan loader finds the drivers of real GPUs. */
const DRIVER_FOLDERS = ["/etc/vulkan/icd.d", "/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];
const LOADERS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"].map(
  (folder) => `${folder}/libvulkan.so.1`,
);

/** Whether onnxruntime-node can have a software adapter here. */
export const HAS_SOFTWARE_ADAPTER = existsSync(SWIFTSHADER) && LOADERS.some((path) => existsSync(path));

/** Stands in the title of what is skipped without it. */
export const NEEDS_SOFTWARE_ADAPTER = HAS_SOFTWARE_ADAPTER
  ? ""
  : " (skipped: needs SwiftShader and the Vulkan loader, apt-get install chromium libvulkan1)";

/** Variables that make a process take the software adapter. */
export const SOFTWARE_ADAPTER_VARIABLES = { VK_DRIVER_FILES: SWIFTSHADER, VK_ICD_FILENAMES: SWIFTSHADER };

/**
 * Lets this process take the software adapter where it has no other: no driver is installed and none is named. Before the first
 * session on WebGPU.
 */
export function preferAnyAdapter(): void {
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env;
  if (VK_DRIVER_FILES !== undefined || VK_ICD_FILENAMES !== undefined || !HAS_SOFTWARE_ADAPTER) return;
  if (DRIVER_FOLDERS.some((folder) => existsSync(folder) && readdirSync(folder).length > 0)) return;
  Object.assign(process.env, SOFTWARE_ADAPTER_VARIABLES);
}
