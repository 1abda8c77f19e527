// In the browser: window.shoot(shot) -> a PNG as data URL and what is in the file. See shoot.mjs for a shot.
import * as THREE from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";

const renderer = new THREE.WebGLRenderer({ antialias: true, preserveDrawingBuffer: true });
renderer.setPixelRatio(1);
renderer.toneMapping = THREE.NoToneMapping;
document.body.append(renderer.domElement);
const loaded = new Map();

async function load(url) {
  if (!loaded.has(url)) loaded.set(url, await new GLTFLoader().loadAsync(url));
  return loaded.get(url);
}

const materials = {
  lit: (own) => own,
  unlit: (own) =>
    new THREE.MeshBasicMaterial({ vertexColors: own.vertexColors, map: own.map, side: own.side }),
  normals: (own) => new THREE.MeshNormalMaterial({ side: own.side }),
  mask: (own) => new THREE.MeshBasicMaterial({ side: own.side }),
};

function pose(root, shot) {
  root.traverse((node) => {
    if (node.isMesh && node.morphTargetInfluences) {
      node.morphTargetInfluences.fill(0);
      for (const [name, weight] of Object.entries(shot.morphs)) {
        const index = node.morphTargetDictionary[name];
        if (index !== undefined) node.morphTargetInfluences[index] = weight;
      }
    }
    if (node.isBone) {
      const turn = new THREE.Vector3(...(shot.turns[node.name] ?? [0, 0, 0])).multiplyScalar(Math.PI / 180);
      const angle = turn.length();
      node.quaternion.setFromAxisAngle(angle ? turn.normalize() : new THREE.Vector3(0, 1, 0), angle);
    }
  });
}

function stage(shot) {
  const scene = new THREE.Scene();
  scene.background = new THREE.Color().setRGB(...shot.background, THREE.SRGBColorSpace);
  scene.add(new THREE.AmbientLight(0xffffff, Math.PI * shot.ambient));
  for (const light of shot.lights) {
    const lamp = new THREE.DirectionalLight(new THREE.Color(...light.color), Math.PI * light.intensity);
    lamp.position.set(...light.toward_light);
    scene.add(lamp);
  }
  return scene;
}

window.shoot = async (shot) => {
  const { scene: root, asset } = await load(shot.url);
  const scene = stage(shot);
  const turned = new THREE.Group();
  turned.rotation.y = (shot.yaw * Math.PI) / 180;
  turned.add(root);
  scene.add(turned);
  pose(root, shot);
  const found = { generator: asset.generator, userData: root.userData, meshes: {}, bones: [] };
  const own = new Map();
  root.traverse((node) => {
    node.frustumCulled = false;
    if (node.isBone) found.bones.push(node.name);
    if (!node.isMesh) return;
    own.set(node, node.material);
    found.meshes[node.name] = {
      morphs: Object.keys(node.morphTargetDictionary ?? {}),
      isSkinned: node.isSkinnedMesh === true,
      hasColors: node.material.vertexColors,
      hasTexture: node.material.map !== null,
      roughness: node.material.roughness,
    };
    node.material = materials[shot.mode](node.material);
  });
  const camera = new THREE.PerspectiveCamera(shot.fov_degrees, 1, 0.05, 10);
  camera.position.set(...shot.camera);
  renderer.setSize(shot.size_px, shot.size_px);
  renderer.render(scene, camera);
  const png = renderer.domElement.toDataURL("image/png");
  for (const [node, material] of own) node.material = material;
  return { png, found };
};
window.isReady = true;
