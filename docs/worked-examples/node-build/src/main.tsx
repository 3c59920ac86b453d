import { useEffect, useRef } from "react";
import { createRoot } from "react-dom/client";
import * as lodash from "lodash-es";
import * as THREE from "three";

// Namespaces kept whole, so that the bundler has something to do.
const names = [...Object.keys(THREE), ...Object.keys(lodash)];

function Cube() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const renderer = new THREE.WebGLRenderer({ canvas: canvas.current! });
    const scene = new THREE.Scene();
    const camera = new THREE.PerspectiveCamera(70, 1, 0.1, 10);
    camera.position.z = 2;
    scene.add(new THREE.Mesh(new THREE.BoxGeometry(), new THREE.MeshNormalMaterial()));
    renderer.render(scene, camera);
    return () => renderer.dispose();
  }, []);
  return (
    <main>
      <canvas ref={canvas} width={300} height={300} />
      <p>{lodash.chunk(names, 100).length} hundreds of exports</p>
    </main>
  );
}

createRoot(document.getElementById("root")!).render(<Cube />);
